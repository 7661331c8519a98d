import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Client, types } from 'cassandra-driver';
import type { DatabaseName, Direction } from './migration.ts';
import { MigrationError } from './migration.ts';

/** The recorded state of a migration. */
export interface Entry {
  readonly name: string;
  readonly checksum: string;
  /** running: it was started, and its end is not recorded. */
  readonly status: 'applied' | 'running' | 'failed';
  readonly direction: Direction;
  /** Number of completed steps in this direction. */
  readonly steps: number;
  /** Start time, in milliseconds since the epoch. */
  readonly at: number;
  readonly durationMs: number | null;
  readonly error: string | null;
}

/** One run of a migration. */
export type Run = Omit<Entry, 'checksum' | 'steps' | 'direction'> & {
  readonly database: DatabaseName;
  readonly direction: Direction | 'truncate' | 'erase';
  /** Name of the machine on which it ran. */
  readonly host: string;
};

/**
 * Records the migrations that ran on each database. ScyllaDB stores the journal of all databases.
 *
 * [Note: One journal]
 * Kafka, S3 and Milvus cannot store a journal, so ScyllaDB stores their journal and the lock. For these engines the state is also checked
 * on the engine itself: an engine that was installed again is not up to date, even if the journal says so.
 */
export interface Journal {
  /** Creates the journal's tables. */
  prepare(): Promise<void>;
  /** Entries by name; empty when the journal does not exist. */
  entries(database: DatabaseName): Promise<Map<string, Entry>>;
  /** Newest first. */
  runs(database: DatabaseName, limit: number): Promise<Run[]>;
  /** Stores the state of a migration; null deletes it, as if the migration had never run. */
  note(database: DatabaseName, name: string, entry: Entry | null): Promise<void>;
  log(run: Run): Promise<void>;
  /** Waits until no other process migrates. Calls `onWait` once when it must wait. Errors: MigrationError after `waitMs`. */
  lock(waitMs: number, onWait: () => void): Promise<Lock>;
}

export interface Lock {
  /** Errors: MigrationError when the lock was lost, for example because this machine was suspended. */
  check(): void;
  release(): Promise<void>;
}

/** The lock expires after this time unless its owner renews it. */
const lockSeconds = 60;
/** Interval in which the owner renews the lock. */
const renewMs = 15_000;
/** Pause between two attempts to take the lock. */
const pollMs = 500;

export const openJournal = (client: Client, keyspace: string): Journal => {
  const run = (cql: string, values: readonly unknown[], options = quorum) => client.execute(cql, values, options);
  const exists = async (table: string): Promise<boolean> => {
    const { rows } = await run(
      'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?',
      [keyspace, table],
      { ...quorum, consistency: types.consistencies.one },
    );
    return rows.length > 0;
  };
  return {
    async prepare() {
      for (const cql of tables(keyspace)) await client.execute(cql);
    },
    async entries(database) {
      if (!(await exists('schema_migrations'))) return new Map();
      const { rows } = await run(
        `SELECT name, checksum, status, direction, steps, at, duration_ms, error FROM ${keyspace}.schema_migrations WHERE database = ?`,
        [database],
      );
      return new Map(rows.map((row) => [row.name as string, { ...toRun(row), ...toProgress(row) }]));
    },
    async runs(database, limit) {
      if (!(await exists('schema_history'))) return [];
      const { rows } = await run(
        `SELECT name, status, direction, at, duration_ms, error, host FROM ${keyspace}.schema_history WHERE database = ? LIMIT ?`,
        [database, limit],
      );
      return rows.map((row) => ({ database, ...toRun(row), host: row.host as string }));
    },
    async note(database, name, entry) {
      if (entry === null) {
        await run(`DELETE FROM ${keyspace}.schema_migrations WHERE database = ? AND name = ?`, [database, name]);
        return;
      }
      const { checksum, status, direction, steps, at, durationMs, error } = entry;
      await run(
        `INSERT INTO ${keyspace}.schema_migrations (database, name, checksum, status, direction, steps, at, duration_ms, error)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [database, name, checksum, status, direction, steps, at, durationMs, error],
      );
    },
    async log({ database, at, name, direction, status, durationMs, error, host }) {
      await run(
        `INSERT INTO ${keyspace}.schema_history (database, at, id, name, direction, status, duration_ms, error, host)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [database, at, randomUUID(), name, direction, status, durationMs, error, host],
      );
    },
    lock: (waitMs, onWait) => takeLock(client, keyspace, waitMs, onWait),
  };
};

/** Name of this process in the lock table, for people who read the table. */
const ownName = (): string => `${hostname()}/${process.pid}/${randomUUID()}`;

async function takeLock(client: Client, keyspace: string, waitMs: number, onWait: () => void): Promise<Lock> {
  const owner = ownName();
  const end = Date.now() + waitMs;
  const table = `${keyspace}.schema_lock`;
  let holder: string | null = null;
  for (;;) {
    const result = await client.execute(
      `INSERT INTO ${table} (name, owner) VALUES ('lock', ?) IF NOT EXISTS USING TTL ${lockSeconds}`,
      [owner],
      linearizable,
    );
    // The owner can be this process: an earlier insert succeeded, but its response was lost.
    if (result.wasApplied() || result.rows[0]?.owner === owner) break;
    if (holder === null) onWait();
    holder = (result.rows[0]?.owner as string | undefined) ?? 'another process';
    if (Date.now() > end) {
      const seconds = Math.round(waitMs / 1000);
      throw new MigrationError(`${holder} has been migrating for more than ${seconds} s. Wait for it and try again.`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }

  let heldUntil = Date.now() + lockSeconds * 1000;
  const renew = async () => {
    const now = Date.now();
    const result = await client.execute(
      `UPDATE ${table} USING TTL ${lockSeconds} SET owner = ? WHERE name = 'lock' IF owner = ?`,
      [owner, owner],
      linearizable,
    );
    heldUntil = result.wasApplied() ? now + lockSeconds * 1000 : 0;
  };
  const timer = setInterval(() => renew().catch(() => undefined), renewMs);
  return {
    check() {
      if (Date.now() < heldUntil) return;
      throw new MigrationError(
        'The lock was lost during the run. The journal has the completed steps. Run the same command again.',
      );
    },
    async release() {
      clearInterval(timer);
      // Fails when the keyspace was dropped; then the lock does not exist any more.
      await client
        .execute(`DELETE FROM ${table} WHERE name = 'lock' IF owner = ?`, [owner], linearizable)
        .catch(() => undefined);
    },
  };
}

const quorum = { prepare: true, consistency: types.consistencies.localQuorum };
const linearizable = { ...quorum, serialConsistency: types.consistencies.localSerial };

const tables = (keyspace: string): string[] => [
  `CREATE TABLE IF NOT EXISTS ${keyspace}.schema_migrations (
     database text, name text, checksum text, status text, direction text, steps int, at bigint, duration_ms bigint, error text,
     PRIMARY KEY ((database), name))`,
  `CREATE TABLE IF NOT EXISTS ${keyspace}.schema_history (
     database text, at bigint, id text, name text, direction text, status text, duration_ms bigint, error text, host text,
     PRIMARY KEY ((database), at, id)) WITH CLUSTERING ORDER BY (at DESC, id ASC)`,
  `CREATE TABLE IF NOT EXISTS ${keyspace}.schema_lock (name text PRIMARY KEY, owner text)`,
];

const toRun = (row: types.Row) => ({
  name: row.name as string,
  status: row.status as Entry['status'],
  direction: row.direction as Direction,
  at: Number(row.at),
  durationMs: row.duration_ms === null ? null : Number(row.duration_ms),
  error: row.error as string | null,
});

const toProgress = (row: types.Row) => ({ checksum: row.checksum as string, steps: row.steps as number });
