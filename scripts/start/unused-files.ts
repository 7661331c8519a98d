import { lstat, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

/**
 * The files of a package that a running platform reads, as paths in the package.
 *
 * [Note: The biggest packages]
 * `npm ci` needs 1,077 MB on Linux x64 and `npm ci --omit=dev` 531 MB (Node 24, npm 11). The ten biggest packages of a production install:
 * - onnxruntime-node, 288 MB: runs the networks. Its one package has the binaries of all platforms; Linux x64 needs 45 MB. npm offers no
 *   package for one platform, and no release with fewer. So 300 MB are out of reach before the first start.
 * - @vladmandic/human (43 MB) and @vladmandic/face-api (24 MB): the weights of the pack `builtin`, of which we read 14 MB.
 * - usearch, 22 MB: the index of vectors; its sources are 14 MB.
 * - libsql with @libsql, 19 MB: the records. Two binaries, because the package does not say which C library it needs.
 * - sharp with @img, 21 MB: decodes images.
 * - @aws-sdk with @smithy, 22 MB: the client of S3, in distributed mode.
 * - @zilliz/milvus2-sdk-node with @grpc, 19 MB: the client of Milvus, in distributed mode. Its dependency for Parquet files is replaced by
 *   an empty package (`overrides` in package.json): we never read Parquet, and it needs Node 22 and has a LGPL part.
 * - swagger-ui-dist, 12 MB: the API page.
 * - esbuild, 11 MB: bundles the program at each start, so that no build is committed.
 * - zod, 9 MB: checks requests and settings.
 * The biggest development packages are TensorFlow.js (286 MB, the reference for the converted networks), Biome (97 MB) and TypeScript (24 MB).
 * So the first start of a production install deletes the files below that no start on this machine reads.
 */
const kept: Readonly<Record<string, RegExp>> = {
  'onnxruntime-node': new RegExp(`^(?!bin/napi-v\\d+/(?!${process.platform}/${process.arch}/))`),
  usearch: new RegExp(`^(?!numkong/|c/|cpp/|include/|prebuilds/(?![^/]*${process.platform}-[^/]*${process.arch}))`),
  '@vladmandic/face-api': /^([^/]+|model\/.*)$/,
  '@vladmandic/human': /^([^/]+|models\/blazeface\..*)$/,
  'swagger-ui-dist': /^(?!.*\.map$|swagger-ui-es-bundle)/,
};

/**
 * Deletes the files of `kept`'s packages that this platform does not read, and returns the freed bytes. Does nothing in an installation
 * with development dependencies, whose tests read more files. Ignores files that it cannot delete.
 */
export async function removeUnusedFiles(modules: string): Promise<number> {
  if (!(await isProductionInstall(modules))) return 0;
  let freed = 0;
  for (const [name, keep] of Object.entries(kept)) {
    const folder = join(modules, name);
    for (const path of await filesOf(folder)) {
      if (!keep.test(path.replaceAll(sep, '/'))) freed += await remove(join(folder, path));
    }
  }
  return freed;
}

/** Returns the file's bytes, or 0 when it cannot be deleted. */
async function remove(file: string): Promise<number> {
  try {
    const { size } = await stat(file);
    await rm(file);
    return size;
  } catch {
    return 0;
  }
}

/** Whether npm installed `modules` without development dependencies. A linked folder belongs to another installation. */
async function isProductionInstall(modules: string): Promise<boolean> {
  try {
    if ((await lstat(modules)).isSymbolicLink()) return false;
    const { packages } = JSON.parse(await readFile(join(modules, '.package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean }>;
    };
    return !Object.values(packages).some(({ dev }) => dev === true);
  } catch {
    return false;
  }
}

async function filesOf(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1));
  } catch {
    return [];
  }
}
