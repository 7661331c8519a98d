import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pack } from 'tar-stream';

/** A file of an image. */
export interface LayerFile {
  /** From the image's root, without a slash before it. */
  readonly path: string;
  readonly bytes: Buffer;
  readonly executable?: boolean;
}

/**
 * A tar archive that the same files always make the same: sorted by path, of nobody in particular, of no time. `folders` are
 * paths of empty folders that anybody may write to.
 */
export async function tarOf(files: readonly LayerFile[], folders: readonly string[] = []): Promise<Buffer> {
  const archive = pack();
  const fixed = { uid: 0, gid: 0, mtime: new Date(0) };
  for (const name of folders) archive.entry({ name, type: 'directory', mode: 0o1777, ...fixed });
  for (const { path, bytes, executable } of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    archive.entry({ name: path, mode: executable ? 0o755 : 0o644, ...fixed }, bytes);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Every file under `folder` as `at/…`, but for those that `skip` names by their path from the folder. */
export async function filesUnder(
  folder: string,
  at: string,
  skip: (path: string) => boolean = () => false,
): Promise<LayerFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !skip(path));
  return Promise.all(paths.map(async (path) => ({ path: `${at}/${path}`, bytes: await readFile(join(folder, path)) })));
}

export const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
