import { chmodSync } from 'node:fs';
import Database from 'libsql';
import { AppError } from '../../errors.ts';

/**
 * Locks a store for this process, with the file `path`; the returned function releases the lock.
 * Errors: AppError STORE_UNAVAILABLE if another process, or another handle in this process, has the lock.
 *
 * [Note: Lock that ends with its process]
 * A file with a process id stays after kill -9, and then its process id may be wrong. This lock is SQLite's own lock on an empty
 * database: the kernel releases it when the process ends in any way, so it is never stale. If this process opened and closed the file
 * by other means, the lock would be lost too; so no other code may touch the file.
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
    // The end of the transaction releases the lock; the handle itself may stay open until it is garbage-collected.
    held.exec('ROLLBACK');
    held.close();
  };
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
