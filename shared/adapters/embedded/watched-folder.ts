import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../errors.ts';

const markerName = '.freeface';

/** Says whether the folder is the one that it was before, and not the empty place where a disk would be. */
export interface WatchedFolder {
  /** Errors: STORE_UNAVAILABLE when it is not there, or is not the one it was. */
  require(): Promise<void>;
}

/**
 * [Note: A folder that is not there]
 * A file that is gone from the watched folder is a person to be erased, and a network drive that is not mounted looks like a folder
 * without files. So the folder carries a hidden file with a random name in it, which the data folder knows too; without it nothing
 * is read and nothing counts as deleted. A folder that cannot be written to counts as there while it holds anything at all.
 */
export async function openWatchedFolder(root: string, dataDir: string): Promise<WatchedFolder> {
  const known = await readText(join(dataDir, 'watched-folder'));
  const expected = known?.startsWith(`${root}\n`) ? known.slice(root.length + 1) : null;
  const marker = expected ?? (await mark(root, dataDir));
  return {
    async require() {
      const there =
        marker === ''
          ? (await readdir(root).catch(() => [])).length > 0
          : (await readText(join(root, markerName))) === marker;
      if (!there) {
        throw new AppError('STORE_UNAVAILABLE', {
          message: `The watched folder ${root} is not there, or is another one than before (it had a file ${markerName}). If it is meant to be another one, delete ${join(dataDir, 'watched-folder')} and restart.`,
        });
      }
    },
  };
}

/** Empty where the folder cannot be written to. */
async function mark(root: string, dataDir: string): Promise<string> {
  if (!(await stat(root).catch(() => undefined))?.isDirectory()) {
    throw new AppError('STORE_UNAVAILABLE', { message: `FREEFACE_WATCH: there is no folder ${root}.` });
  }
  const marker = (await readText(join(root, markerName))) || randomUUID();
  try {
    await writeFile(join(root, markerName), marker);
  } catch {
    return '';
  }
  await writeFile(join(dataDir, 'watched-folder'), `${root}\n${marker}`, { mode: 0o600 });
  return marker;
}

const readText = (path: string): Promise<string | null> => readFile(path, 'utf8').catch(() => null);
