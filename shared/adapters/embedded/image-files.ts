import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Folder of unfinished writes, inside the folder of images. */
export const incoming = '.incoming';
/** End of the name of every image file. */
export const suffix = '.image';

/** All image files of all tenants. `writtenAt`: milliseconds since the epoch. Yields nothing if the folder does not exist. */
export async function* imageFiles(root: string): AsyncIterable<{ name: string; writtenAt: number }> {
  for (const tenant of await namesIn(root)) {
    if (tenant === incoming) continue;
    for (const shard of await namesIn(join(root, tenant))) {
      for (const name of await namesIn(join(root, tenant, shard))) {
        if (!name.endsWith(suffix)) continue;
        const stats = await orNull(stat(join(root, tenant, shard, name)));
        if (stats !== null) yield { name, writtenAt: Math.round(stats.mtimeMs) };
      }
    }
  }
}

/** Names in a folder; none if it does not exist or is a file, which another program may have put there. */
const namesIn = async (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });

/** null if the file or folder does not exist. */
export const orNull = <T>(reading: Promise<T>): Promise<T | null> =>
  reading.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
