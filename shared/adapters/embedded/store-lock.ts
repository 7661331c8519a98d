import { chmodSync } from 'node:fs';
import Database from 'libsql';
import { AppError } from '../../errors.ts';

/**
 * Takes a store for this process alone, by the file `path`; the returned function gives it back.
 * Errors: AppError STORE_UNAVAILABLE when another process, or another handle in this one, has it.
 *
 * [Note: A lock that dies with its process]
 * A file that holds a process id outlives a kill -9 and then has to be guessed about. This is SQLite's own lock on an empty
 * database instead: the kernel drops it when the process ends, however it ends, so nothing is ever stale. Reading or
 * closing the file by other means inside this process would drop it too, so nobody touches it.
 */
export function lockStore(path: string): () => void {
  const holder = new Database(path);
  try {
    chmodSync(path, 0o600);
    holder.pragma('journal_mode = MEMORY');
    holder.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    holder.close();
    if (!isBusy(error)) throw error;
    throw new AppError('STORE_UNAVAILABLE', {
      message: `Another process uses this data folder (${path} is locked). Stop it, or choose another folder with FREEFACE_DATA.`,
      cause: error,
    });
  }
  return () => {
    // The lock goes with the transaction; the handle itself may live until it is collected.
    holder.exec('ROLLBACK');
    holder.close();
  };
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
