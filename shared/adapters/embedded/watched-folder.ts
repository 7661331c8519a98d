import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../errors.ts';

const markerName = '.freeface';

/** Checks that the folder is the same as before, and not the empty mount point of a disk. */
export interface WatchedFolder {
  /** Errors: STORE_UNAVAILABLE if the folder is missing, or is not the same as before. */
  require(): Promise<void>;
}

/**
 * [Note: A folder that is not there]
 * When a file of the watched folder is deleted, its person is erased. But a network drive that is not mounted looks like a folder without
 * files. So the folder contains a hidden file with a random id, and the data folder contains the same id. If they differ, no file is
 * read and no file counts as deleted. A read-only folder has no hidden file; it counts as present if it is not empty.
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
          message: `The watched folder ${root} is missing, or it is not the same folder as before (it contained a file ${markerName}). To use another folder, delete ${join(dataDir, 'watched-folder')} and restart.`,
        });
      }
    },
  };
}

/** Creates the hidden file and returns its id; empty if the folder is read-only. */
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
