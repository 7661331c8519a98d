import { type Client, types } from 'cassandra-driver';
import { type ScyllaSettings, scyllaClient } from '../adapters/distributed/scylla/client.ts';
import { type MigrationFile, readFiles } from './files.ts';
import { type Journal, openJournal } from './journal.ts';
import type { MigratedDatabase, Migration, Step } from './migration.ts';
import { MigrationError } from './migration.ts';

export interface MigratedScylla extends MigratedDatabase {
  readonly journal: Journal;
  /** Copies of each row; null when the keyspace does not exist. */
  replication(): Promise<number | null>;
  /**
   * Creates the keyspace with the configured number of copies, or changes the number of an existing keyspace. Resolves to a line for
   * people, or null when nothing changed.
   */
  prepare(): Promise<string | null>;
  /** Number of nodes in the data centre. */
  nodes(): Promise<number>;
  /** All tables that the files create. */
  readonly tables: readonly string[];
  truncate(tables: readonly string[]): readonly Step[];
}

/** Default number of copies of a row: when one node fails, two copies are still a quorum. */
const usualCopies = 3;
/** Milliseconds. A change of the schema waits for all nodes. */
const readTimeout = 120_000;

/** Connects to ScyllaDB. Errors: MigrationError when no node answers. */
export async function openMigratedScylla(settings: ScyllaSettings, folder: string): Promise<MigratedScylla> {
  const { keyspace, localDatacenter, contactPoints } = settings;
  requireName(keyspace, /^[a-z][a-z0-9_]{0,47}$/, 'a keyspace');
  requireName(localDatacenter, /^[\w.-]+$/, 'a data centre');
  const files = await readFiles(folder, 'scylla');
  const client = scyllaClient(settings, { withKeyspace: false });
  await client.connect().catch(async (error: unknown) => {
    await client.shutdown();
    throw new MigrationError(
      `ScyllaDB does not answer at ${contactPoints.join(', ')} (${reasonOf(error)}). It stores the journal of all migrations: start it, or correct SCYLLA_CONTACT_POINTS.`,
      { cause: error },
    );
  });
  const run = (cql: string) => client.execute(cql, [], { readTimeout, isIdempotent: true });
  const tables = files.flatMap(({ text }) => tablesIn(partsOf(text).up, 'CREATE'));

  const replication = () => replicationOf(client, keyspace, localDatacenter);
  const nodes = async () => {
    const hosts = client.hosts.values();
    return Math.max(hosts.filter(({ datacenter }) => datacenter === localDatacenter).length, 1);
  };

  return {
    name: 'scylla',
    title: keyspace,
    journal: openJournal(client, keyspace),
    tables,
    replication,
    nodes,
    async prepare() {
      const there = await replication();
      const wanted = settings.replication ?? there ?? Math.min(await nodes(), usualCopies);
      const copies = `{'class': 'NetworkTopologyStrategy', '${localDatacenter}': ${wanted}}`;
      if (there === wanted) return null;
      if (there !== null) {
        await run(`ALTER KEYSPACE ${keyspace} WITH replication = ${copies}`);
        return `The keyspace ${keyspace} now has ${wanted} copies of each row instead of ${there}. Run a full repair on every node (nodetool repair -full ${keyspace}).`;
      }
      const tablets = (await isScylla(client)) ? " AND tablets = {'enabled': false}" : '';
      await run(`CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = ${copies}${tablets}`);
      return `The keyspace ${keyspace} was created, with ${wanted} ${wanted === 1 ? 'copy' : 'copies'} of each row.`;
    },
    migrations: files.map((file) => migrationOf(file, client, keyspace, run)),
    truncate: (names) =>
      names.map((name) => ({ what: `truncate the table ${name}`, run: () => run(`TRUNCATE ${keyspace}.${name}`) })),
    async erase() {
      if ((await replication()) === null) return [];
      return [{ what: `drop the keyspace ${keyspace}`, run: () => run(`DROP KEYSPACE IF EXISTS ${keyspace}`) }];
    },
    close: () => client.shutdown(),
  };
}

function migrationOf(
  { name, text, checksum }: MigrationFile,
  client: Client,
  keyspace: string,
  run: (cql: string) => Promise<unknown>,
): Migration {
  const { up, down, none } = partsOf(text);
  const stepsOf = (cql: string): Step[] =>
    statementsOf(cql).map((statement) => ({
      what: firstLine(statement),
      run: () => run(inKeyspace(statement, keyspace)),
    }));
  return {
    name,
    checksum,
    up: async () => stepsOf(up),
    down: async () => (down === null ? { none } : stepsOf(down)),
    async holds() {
      const held: string[] = [];
      for (const table of tablesIn(down ?? '', 'DROP')) {
        if (await holdsRows(client, keyspace, table)) held.push(table);
      }
      return held;
    },
  };
}

const noReason = 'its file has no part "-- down"';

/** The statements of a file for `up` and for `down`. When `down` is null, `none` is the reason why it cannot be rolled back. */
export function partsOf(cql: string): { up: string; down: string | null; none: string } {
  const [up = '', down] = cql.split(/^-- down$/m);
  const reason = /^-- no way back: (.+)$/m.exec(cql)?.[1];
  return { up, down: reason === undefined && down !== undefined ? down : null, none: reason ?? noReason };
}

/** In these files a comment takes a whole line, and no string contains a semicolon. */
export const statementsOf = (cql: string): string[] =>
  cql
    .replace(/^\s*--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');

const tablesIn = (cql: string, verb: 'CREATE' | 'DROP'): string[] =>
  [...cql.matchAll(new RegExp(`^${verb} TABLE (?:IF (?:NOT )?EXISTS )?(\\w+)`, 'gim'))].map(([, table]) => table!);

/** Adds the keyspace: the files name tables without it. */
const inKeyspace = (statement: string, keyspace: string): string =>
  statement.replace(/^((?:CREATE|ALTER|DROP) TABLE (?:IF (?:NOT )?EXISTS )?)/i, `$1${keyspace}.`);

const firstLine = (statement: string): string => statement.split('\n')[0]!.replace(/\s*\($/, '');

async function holdsRows(client: Client, keyspace: string, table: string): Promise<boolean> {
  const there = await client.execute(
    'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?',
    [keyspace, table],
    { prepare: true, consistency: types.consistencies.one },
  );
  if (there.rows.length === 0) return false;
  const { rows } = await client.execute(`SELECT * FROM ${keyspace}.${table} LIMIT 1`, [], {
    consistency: types.consistencies.localQuorum,
  });
  return rows.length > 0;
}

async function replicationOf(client: Client, keyspace: string, dataCenter: string): Promise<number | null> {
  const { rows } = await client.execute(
    'SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?',
    [keyspace],
    { prepare: true, consistency: types.consistencies.one },
  );
  if (rows[0] === undefined) return null;
  const { [dataCenter]: copies = '0' } = rows[0].replication as Record<string, string>;
  return Number(copies);
}

/**
 * [Note: Keyspaces on Scylla]
 * Up to ScyllaDB 2025.3, conditional writes do not work in a keyspace with tablets. Cassandra does not know the option `tablets`. So the
 * option is set to false on ScyllaDB only. ScyllaDB is recognised by the system table `scylla_tables`, which Cassandra does not have.
 */
async function isScylla(client: Client): Promise<boolean> {
  const { rows } = await client.execute(
    "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'system_schema' AND table_name = 'scylla_tables'",
  );
  return rows.length > 0;
}

/** The driver wraps the error of each host in `innerErrors`. */
function reasonOf(error: unknown): string {
  const [inner] = Object.values((error as { innerErrors?: Record<string, unknown> }).innerErrors ?? {});
  const cause = inner ?? error;
  return cause instanceof Error ? cause.message : String(cause);
}

function requireName(value: string, form: RegExp, what: string): void {
  if (!form.test(value)) throw new MigrationError(`${value} is not a valid name of ${what}.`);
}
