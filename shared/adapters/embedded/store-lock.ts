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
  let holder: Database.Database | undefined;
  try {
    holder = new Database(path);
    chmodSync(path, 0o600);
    holder.pragma('journal_mode = MEMORY');
    holder.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    holder?.close();
    const message = isBusy(error)
      ? `Another process uses this data folder (${path} is locked). Stop it, or choose another folder with FREEFACE_DATA.`
      : `${path} cannot be written: ${error instanceof Error ? error.message : String(error)}.`;
    throw new AppError('STORE_UNAVAILABLE', { message, cause: error });
  }
  const held = holder;
  return () => {
    // The lock goes with the transaction; the handle itself may live until it is collected.
    held.exec('ROLLBACK');
    held.close();
  };
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
