import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pack } from 'tar-stream';

/** A file of an image. */
export interface LayerFile {
  /** Path from the image's root, without a leading slash. */
  readonly path: string;
  readonly bytes: Buffer;
  readonly executable?: boolean;
}

/**
 * Returns a tar archive. The same files always make the same archive: sorted by path, with owner 0 and time 0. `folders`: paths of
 * empty folders that every user may write to.
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

/** Returns every file under `folder` with the path `at/…`. `skip`: whether to leave out a file, by its path from the folder. */
export async function filesUnder(
  folder: string,
  at: string,
  skip: (path: string) => boolean = () => false,
): Promise<LayerFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
    .filter((path) => !skip(path));
  return Promise.all(paths.map(async (path) => ({ path: `${at}/${path}`, bytes: await readFile(join(folder, path)) })));
}

export const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
