import { chmodSync, closeSync, fdatasync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import Libsql from 'libsql';
import { AppError } from '../../errors.ts';
import { makePrivateFolder } from './private-files.ts';

const dataSync = promisify(fdatasync);

export type Value = string | number | null | Buffer;

/**
 * A connection. Calls are synchronous unless they return a promise. Errors: AppError STORE_UNAVAILABLE; a violated constraint throws
 * the driver's error.
 */
export interface Database {
  get<Row>(sql: string, parameters?: readonly Value[]): Row | undefined;
  all<Row>(sql: string, parameters?: readonly Value[]): Row[];
  /** Rows as arrays, one by one; the caller must read to the end. Blobs are Buffers here, and ArrayBuffers in `get` and `all`. */
  rows<Row extends readonly unknown[]>(sql: string, parameters?: readonly Value[]): IterableIterator<Row>;
  /** Returns the number of changed rows, and the id of the last inserted row. */
  run(sql: string, parameters?: readonly Value[]): { changes: number; lastId: number };
  /** Runs one or more statements without parameters. */
  execute(sql: string): void;
  /** Runs `body` as one transaction; rolls it back if `body` throws. */
  transaction<T>(body: () => T): T;
  /** Like `transaction`, but `body` may await. The caller ensures that nothing else writes at the same time. */
  transactionInSteps<T>(body: () => Promise<T>): Promise<T>;
  /** Call it between transactions. Returns false if another connection is reading. See: [Note: Deleted rows in the log] */
  emptyLog(): boolean;
  /**
   * Forces earlier commits to the disk, so that they survive a power cut; does not block the event loop. Errors: STORE_UNAVAILABLE,
   * also after `close`.
   */
  force(): Promise<void>;
  close(): void;
}

export interface DatabaseOptions {
  /** Writes are refused. */
  readonly readOnly?: boolean;
  /** Bytes per page of a new file. */
  readonly pageSize?: number;
  /** 64 hex digits. The whole file is encrypted with AES-256. */
  readonly encryptionKey?: string;
}

/**
 * Opens or creates the database at `path`; only the owner can read it. A committed transaction survives a power cut. Deleted rows are
 * overwritten, so no data of erased people stays in free pages.
 *
 * [Note: Deleted rows in the log]
 * The old version of a page stays in the write-ahead log until later writes overwrite it. On a quiet machine that takes weeks. So code
 * that erases data empties the log afterwards. It does not wait for another process that is reading: the next erasure, or `close`,
 * empties the log too.
 */
export function openDatabase(path: string, options: DatabaseOptions = {}): Database {
  makePrivateFolder(dirname(path));
  const connection = connect(path, options);
  // Compiled once: to compile a statement costs a hundred times as much as to look it up.
  const statements = new Map<string, Libsql.Statement>();
  let open = true;
  let log: number | undefined;

  const prepared = (sql: string): Libsql.Statement => {
    if (!open) throw new AppError('STORE_UNAVAILABLE', { message: `${path} is closed.` });
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = connection.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };

  const execute = (sql: string): void => {
    if (!open) throw new AppError('STORE_UNAVAILABLE', { message: `${path} is closed.` });
    guarded(path, () => connection.exec(sql));
  };

  return {
    get: <Row>(sql: string, parameters: readonly Value[] = []) =>
      guarded(path, () => prepared(sql).get(parameters)) as Row | undefined,
    all: <Row>(sql: string, parameters: readonly Value[] = []) =>
      guarded(path, () => prepared(sql).all(parameters)) as Row[],
    rows: <Row extends readonly unknown[]>(sql: string, parameters: readonly Value[] = []) =>
      // Not the cached statement: `raw` changes the statement.
      guarded(path, () => connection.prepare(sql).raw().iterate(parameters)) as IterableIterator<Row>,
    run: (sql, parameters = []) =>
      guarded(path, () => {
        const result = prepared(sql).run(parameters);
        return { changes: result.changes, lastId: Number(result.lastInsertRowid) };
      }),
    execute,
    transaction(body) {
      execute('BEGIN IMMEDIATE');
      try {
        const result = body();
        execute('COMMIT');
        return result;
      } catch (error) {
        if (connection.inTransaction) execute('ROLLBACK');
        throw error;
      }
    },
    async transactionInSteps(body) {
      execute('BEGIN IMMEDIATE');
      try {
        const result = await body();
        execute('COMMIT');
        return result;
      } catch (error) {
        if (open && connection.inTransaction) execute('ROLLBACK');
        throw error;
      }
    },
    emptyLog() {
      if (!open) return false;
      connection.pragma('busy_timeout = 0');
      try {
        const [outcome] = connection.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
        return outcome?.busy === 0;
      } catch {
        // The rows are deleted even if the log cannot be emptied.
        return false;
      } finally {
        connection.pragma(`busy_timeout = ${busyTimeoutMs}`);
      }
    },
    async force() {
      if (!open) throw new AppError('STORE_UNAVAILABLE', { message: `${path} is closed.` });
      try {
        // The log stays the same file while the database is open, so its handle stays valid.
        log ??= openSync(`${path}-wal`, 'r+');
        await dataSync(log);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new AppError('STORE_UNAVAILABLE', { message: `${path}: ${reason}`, cause });
      }
    },
    close() {
      if (!open) return;
      if (log !== undefined) closeSync(log);
      if (options.readOnly !== true) connection.pragma('wal_checkpoint(TRUNCATE)');
      open = false;
      statements.clear();
      connection.close();
    },
  };
}

const busyTimeoutMs = 5000;

function connect(path: string, options: DatabaseOptions): Libsql.Database {
  try {
    const connection = new Libsql(
      path,
      options.encryptionKey === undefined ? {} : ({ encryptionKey: options.encryptionKey } as Libsql.Options),
    );
    chmodSync(path, 0o600);
    connection.pragma(`busy_timeout = ${busyTimeoutMs}`);
    if (options.readOnly !== true) {
      if (options.pageSize !== undefined) connection.pragma(`page_size = ${options.pageSize}`);
      connection.pragma('journal_mode = WAL');
      connection.pragma('journal_size_limit = 67108864');
      connection.pragma('secure_delete = ON');
    }
    connection.pragma('synchronous = FULL');
    connection.pragma('foreign_keys = ON');
    if (options.readOnly === true) connection.pragma('query_only = ON');
    return connection;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const orKey =
      options.encryptionKey === undefined ? '' : ', or the key file is not the one that it was encrypted with';
    throw new AppError('STORE_UNAVAILABLE', { message: `${path} cannot be opened: ${reason}${orKey}.`, cause: error });
  }
}

function guarded<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!code.startsWith('SQLITE') || code.startsWith('SQLITE_CONSTRAINT')) throw error;
    throw new AppError('STORE_UNAVAILABLE', { message: `${path}: ${(error as Error).message}`, cause: error });
  }
}
