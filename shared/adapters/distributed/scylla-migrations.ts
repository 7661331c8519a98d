import { createHash } from 'node:crypto';
import { type Client, types } from 'cassandra-driver';
import foundation from '../../../migrations/scylla/001-foundation.cql?raw';
import gallery from '../../../migrations/scylla/002-gallery.cql?raw';
import jobs from '../../../migrations/scylla/003-jobs.cql?raw';
import accounts from '../../../migrations/scylla/004-accounts.cql?raw';
import audit from '../../../migrations/scylla/005-audit.cql?raw';
import webhooks from '../../../migrations/scylla/006-webhooks.cql?raw';
import galleryEpochs from '../../../migrations/scylla/007-gallery-epochs.cql?raw';
import { AppError } from '../../errors.ts';

export interface ScyllaMigration {
  /** The file's name. */
  readonly name: string;
  readonly cql: string;
}

/** Every file of migrations/scylla in order. The texts are part of the bundle. */
export const scyllaMigrations: readonly ScyllaMigration[] = [
  { name: '001-foundation.cql', cql: foundation },
  { name: '002-gallery.cql', cql: gallery },
  { name: '003-jobs.cql', cql: jobs },
  { name: '004-accounts.cql', cql: accounts },
  { name: '005-audit.cql', cql: audit },
  { name: '006-webhooks.cql', cql: webhooks },
  { name: '007-gallery-epochs.cql', cql: galleryEpochs },
];

export interface ScyllaMigrationOptions {
  /** Data centre that keeps the data; with `replication` how many copies there. */
  readonly dataCenter: string;
  readonly replication: number;
  /** `down`: the newest one is taken back. */
  readonly direction?: 'up' | 'down';
  /** Default: all of migrations/scylla. */
  readonly migrations?: readonly ScyllaMigration[];
  /** How long to wait for another process that migrates. */
  readonly waitMs?: number;
}

/** A lock that its owner did not take back ends by itself. */
const lockSeconds = 120;

/**
 * Brings a keyspace to the newest schema; makes it when it is missing. `client` is connected and has no keyspace of its own. Resolves
 * to the names of what ran. Of several processes that do this at once one works and the others find it done.
 * Errors: AppError STORE_UNAVAILABLE when a migration that ran here was edited since, is unknown because a newer version wrote it, has no
 * way back, or another process holds the lock for too long.
 */
export async function applyScyllaMigrations(
  client: Client,
  keyspace: string,
  {
    dataCenter,
    replication,
    direction = 'up',
    migrations = scyllaMigrations,
    waitMs = 150_000,
  }: ScyllaMigrationOptions,
): Promise<string[]> {
  if (!/^[a-z][a-z0-9_]{0,47}$/.test(keyspace)) throw new RangeError(`not a keyspace: ${keyspace}`);
  if (!/^[\w.-]+$/.test(dataCenter)) throw new RangeError(`not a data centre: ${dataCenter}`);
  const tablets = (await isScylla(client)) ? " AND tablets = {'enabled': false}" : '';
  await client.execute(
    `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = {'class': 'NetworkTopologyStrategy', '${dataCenter}': ${replication}}${tablets}`,
  );
  await client.execute(
    `CREATE TABLE IF NOT EXISTS ${keyspace}.schema_migrations (name text PRIMARY KEY, checksum text, applied_at bigint, owner text)`,
  );
  const unlock = await lock(client, keyspace, waitMs);
  try {
    const applied = await appliedIn(client, keyspace, migrations);
    return direction === 'up'
      ? await up(client, keyspace, applied, migrations)
      : await down(client, keyspace, applied, migrations);
  } finally {
    await unlock();
  }
}

async function up(
  client: Client,
  keyspace: string,
  applied: ReadonlySet<string>,
  migrations: readonly ScyllaMigration[],
): Promise<string[]> {
  const missing = migrations.filter(({ name }) => !applied.has(name));
  for (const { name, cql } of missing) {
    for (const statement of statementsOf(partsOf(cql).up)) await run(client, keyspace, statement);
    await client.execute(
      `INSERT INTO ${keyspace}.schema_migrations (name, checksum, applied_at) VALUES (?, ?, ?)`,
      [name, checksumOf(cql), types.Long.fromNumber(Date.now())],
      quorum,
    );
  }
  return missing.map(({ name }) => name);
}

async function down(
  client: Client,
  keyspace: string,
  applied: ReadonlySet<string>,
  migrations: readonly ScyllaMigration[],
): Promise<string[]> {
  const newest = migrations.findLast(({ name }) => applied.has(name));
  if (newest === undefined) return [];
  const back = partsOf(newest.cql).down;
  if (back === null) throw refusal(`Migration ${newest.name} has no way back.`);
  for (const statement of statementsOf(back)) await run(client, keyspace, statement);
  await client.execute(`DELETE FROM ${keyspace}.schema_migrations WHERE name = ?`, [newest.name], quorum);
  return [newest.name];
}

async function appliedIn(
  client: Client,
  keyspace: string,
  migrations: readonly ScyllaMigration[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.execute(`SELECT name, checksum FROM ${keyspace}.schema_migrations`, [], quorum);
  const known = new Map(migrations.map(({ name, cql }) => [name, checksumOf(cql)]));
  const names = new Set<string>();
  for (const row of rows) {
    const { name, checksum } = row as unknown as { name: string; checksum: string | null };
    if (checksum === null) continue;
    const wanted = known.get(name);
    if (wanted === undefined) {
      throw refusal(`The data was written by a newer version (migration ${name} is unknown here). Update FreeFace.`);
    }
    if (wanted !== checksum) {
      throw refusal(
        `Migration ${name} was changed after it had run here. Restore the file; a change of the schema is a new migration.`,
      );
    }
    names.add(name);
  }
  return names;
}

/** One row, held by condition; it ends by itself when its owner dies. */
async function lock(client: Client, keyspace: string, waitMs: number): Promise<() => Promise<void>> {
  const owner = `${process.pid}/${types.Uuid.random()}`;
  const end = Date.now() + waitMs;
  for (;;) {
    const result = await client.execute(
      `INSERT INTO ${keyspace}.schema_migrations (name, owner) VALUES ('lock', ?) IF NOT EXISTS USING TTL ${lockSeconds}`,
      [owner],
      deciding,
    );
    if (result.wasApplied()) break;
    if (Date.now() > end) throw refusal('Another process has been changing the schema for too long.');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return async () => {
    await client.execute(
      `DELETE FROM ${keyspace}.schema_migrations WHERE name = 'lock' IF owner = ?`,
      [owner],
      deciding,
    );
  };
}

/**
 * [Note: Keyspaces on Scylla]
 * Conditional writes do not work in keyspaces with tablets up to ScyllaDB 2025.3, and Cassandra does not know the word. So a keyspace on
 * Scylla is made without them, where there is a table of its own to know it by.
 */
async function isScylla(client: Client): Promise<boolean> {
  const { rows } = await client.execute(
    "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'system_schema' AND table_name = 'scylla_tables'",
  );
  return rows.length > 0;
}

/** Tables are named without their keyspace in the files. */
const run = (client: Client, keyspace: string, statement: string) =>
  client.execute(statement.replace(/^((?:CREATE|ALTER|DROP) TABLE (?:IF (?:NOT )?EXISTS )?)/i, `$1${keyspace}.`), [], {
    isIdempotent: true,
  });

const quorum = { prepare: true, consistency: types.consistencies.localQuorum };
const deciding = { ...quorum, serialConsistency: types.consistencies.localSerial };

export function partsOf(cql: string): { up: string; down: string | null } {
  const [up, down] = cql.split(/^-- down$/m);
  return { up: up!, down: down ?? null };
}

/** Comments are lines of their own, and no text in the files holds a semicolon. */
export const statementsOf = (cql: string): string[] =>
  cql
    .replace(/^\s*--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');

/** SHA-256 in hex; line ends do not count, since a checkout may change them. */
const checksumOf = (cql: string): string => createHash('sha256').update(cql.replaceAll('\r\n', '\n')).digest('hex');

const refusal = (message: string): AppError => new AppError('STORE_UNAVAILABLE', { message });
