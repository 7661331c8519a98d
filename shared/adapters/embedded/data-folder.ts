import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../errors.ts';
import { makePrivateFolder } from './private-files.ts';

/**
 * Creates the data folder (mode 0700) and its parents, and checks that a file can be written to it.
 * Errors: AppError STORE_UNAVAILABLE, which names FREEFACE_DATA and the problem.
 */
export function openDataFolder(dataDir: string): void {
  try {
    makePrivateFolder(dataDir);
    const trial = join(dataDir, `.trial-${process.pid}`);
    writeFileSync(trial, '', { mode: 0o600 });
    rmSync(trial);
  } catch (error) {
    throw new AppError('STORE_UNAVAILABLE', {
      message: `The data folder ${dataDir} ${complaint(error as NodeJS.ErrnoException)}; set FREEFACE_DATA to a folder that this user can write.`,
      cause: error,
    });
  }
}

function complaint({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOTDIR':
    case 'EEXIST':
      return 'is a file, or is inside a file';
    case 'ENOENT':
      return 'cannot be created';
    case 'EACCES':
    case 'EPERM':
      return 'is not writable';
    case 'EROFS':
      return 'is on a read-only file system';
    case 'ENOSPC':
      return 'is on a full disk';
    default:
      return `cannot be used (${message})`;
  }
}
