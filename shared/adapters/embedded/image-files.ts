import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Under the images' folder: writes that are not finished. */
export const incoming = '.incoming';
/** How the name of every image file ends. */
export const suffix = '.image';

/** Every image file of every tenant with the time it was written (milliseconds since the epoch); none when there is no such folder. */
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

/** A file that somebody else has put there is no folder of ours. */
const namesIn = async (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });

/** null for what is not there. */
export const orNull = <T>(reading: Promise<T>): Promise<T | null> =>
  reading.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
