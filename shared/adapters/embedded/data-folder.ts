import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { disk } from '../../domain/tuning.ts';
import { AppError } from '../../errors.ts';
import { makePrivateFolder } from './private-files.ts';

/**
 * Makes the folder that holds everything (0700), with its parents, and tries whether it can be written.
 * Errors: AppError STORE_UNAVAILABLE, which names FREEFACE_DATA and what is wrong with it.
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

/** Free bytes on the disk of a folder for this user. */
export function freeBytesIn(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Errors: AppError STORE_UNAVAILABLE when there is too little space for the next writes. */
export function requireSpace(dataDir: string, freeBytes: number): void {
  if (freeBytes >= disk.leastFreeBytes) return;
  throw new AppError('STORE_UNAVAILABLE', {
    message: `The disk of the data folder ${dataDir} is full (${Math.floor(freeBytes / 1024)} KiB free). Free some space; FreeFace then continues.`,
  });
}

function complaint({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOTDIR':
    case 'EEXIST':
      return 'is a file, or lies in one';
    case 'ENOENT':
      return 'cannot be made there';
    case 'EACCES':
    case 'EPERM':
      return 'is not writable';
    case 'EROFS':
      return 'lies on a file system that is read-only';
    case 'ENOSPC':
      return 'lies on a disk that is full';
    default:
      return `cannot be used (${message})`;
  }
}
