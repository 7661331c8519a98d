import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Client, types } from 'cassandra-driver';
import type { DatabaseName, Direction } from './migration.ts';
import { MigrationError } from './migration.ts';

/** How a migration stands. */
export interface Entry {
  readonly name: string;
  readonly checksum: string;
  /** running: it was begun; nobody said how it ended. */
  readonly status: 'applied' | 'running' | 'failed';
  readonly direction: Direction;
  /** Steps that are done, of those that `direction` has. */
  readonly steps: number;
  /** When it began; milliseconds since the epoch. */
  readonly at: number;
  readonly durationMs: number | null;
  readonly error: string | null;
}

/** One time that a migration ran. */
export type Run = Omit<Entry, 'checksum' | 'steps' | 'direction'> & {
  readonly database: DatabaseName;
  readonly direction: Direction | 'truncate' | 'erase';
  /** Where it ran. */
  readonly host: string;
};

/**
 * What ran on which database, kept in ScyllaDB for all of them.
 *
 * [Note: One journal]
 * Kafka, S3 and Milvus have no place to keep what ran on them, so ScyllaDB keeps it, also the lock. What their files describe can be
 * looked at, too, and is: an engine that was set up anew is behind whatever the journal says.
 */
export interface Journal {
  /** Makes the keyspace's own tables. */
  prepare(): Promise<void>;
  /** By name; nothing where there is no journal yet. */
  entries(database: DatabaseName): Promise<Map<string, Entry>>;
  /** Newest first. */
  runs(database: DatabaseName, limit: number): Promise<Run[]>;
  /** How a migration stands from now on; null: as if it had never run. */
  note(database: DatabaseName, name: string, entry: Entry | null): Promise<void>;
  log(run: Run): Promise<void>;
  /** Waits until nobody else migrates. `onWait` is told once when it has to. Errors: MigrationError after `waitMs`. */
  lock(waitMs: number, onWait: () => void): Promise<Lock>;
}

export interface Lock {
  /** Errors: MigrationError when the lock was lost, as after a long sleep of this machine. */
  check(): void;
  release(): Promise<void>;
}

/** A lock that its owner does not hold on to ends by itself. */
const lockSeconds = 60;
const renewMs = 15_000;
const lookMs = 500;

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

/** Who waits and who holds, for people that look into the table. */
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
      deciding,
    );
    // An answer that got lost may have been a yes.
    if (result.wasApplied() || result.rows[0]?.owner === owner) break;
    if (holder === null) onWait();
    holder = (result.rows[0]?.owner as string | undefined) ?? 'another process';
    if (Date.now() > end) {
      const seconds = Math.round(waitMs / 1000);
      throw new MigrationError(`${holder} has been migrating for more than ${seconds} s. Wait for it and try again.`);
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }

  let heldUntil = Date.now() + lockSeconds * 1000;
  const renew = async () => {
    const now = Date.now();
    const result = await client.execute(
      `UPDATE ${table} USING TTL ${lockSeconds} SET owner = ? WHERE name = 'lock' IF owner = ?`,
      [owner, owner],
      deciding,
    );
    heldUntil = result.wasApplied() ? now + lockSeconds * 1000 : 0;
  };
  const timer = setInterval(() => renew().catch(() => undefined), renewMs);
  return {
    check() {
      if (Date.now() < heldUntil) return;
      throw new MigrationError('The lock was lost while this ran; what it did is written down. Run it again.');
    },
    async release() {
      clearInterval(timer);
      // Where the keyspace is gone, so is the lock.
      await client
        .execute(`DELETE FROM ${table} WHERE name = 'lock' IF owner = ?`, [owner], deciding)
        .catch(() => undefined);
    },
  };
}

const quorum = { prepare: true, consistency: types.consistencies.localQuorum };
const deciding = { ...quorum, serialConsistency: types.consistencies.localSerial };

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
