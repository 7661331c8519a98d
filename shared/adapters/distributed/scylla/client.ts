import { auth, Client, policies, types } from 'cassandra-driver';
import { eachOf } from '../../../domain/each-of.ts';
import { AppError } from '../../../errors.ts';
import type { AdapterOptions } from '../../../function/adapter-options.ts';
import { reopening } from '../reopening.ts';
import { isOfNode, tlsOptions } from '../tls.ts';
import { scyllaSchema } from './schema.gen.ts';
import { type Statement, statements } from './statements.ts';

export type ScyllaSettings = AdapterOptions['engines']['scylla'];
export type Value = string | number | Buffer | null | readonly string[];
/** A statement's name and its values. */
export type Bound = readonly [name: string, values: readonly Value[]];
export type Row = Readonly<Record<string, unknown>>;

/** Runs statements. Every store in ScyllaDB uses it. Errors: those of the driver. */
export interface Scylla {
  /** All rows, read page by page. */
  rows(name: string, values: readonly Value[]): Promise<Row[]>;
  /** Runs a conditional statement. Resolves to whether its condition was true. */
  decide(name: string, values: readonly Value[]): Promise<boolean>;
  /** Like `decide`, for several statements on one partition. All are applied or none; the first has the condition. */
  decideTogether(bounds: readonly Bound[]): Promise<boolean>;
  /**
   * Writes without conditions. The statements of one logged batch are all applied in the end, even if this process dies.
   * `timestamp`: microseconds. A repetition with the same timestamp does not change later writes.
   */
  write(bounds: readonly Bound[], timestamp: number): Promise<void>;
  /** Any number of writes without conditions on one partition. Readers see all of them or none. */
  writeTogether(bounds: readonly Bound[], timestamp: number): Promise<void>;
  close(): Promise<void>;
}

/** Limit of connecting, in milliseconds. */
const connectMs = 3000;
/** Limit of one request, in milliseconds. */
const requestMs = 10_000;
/** Rows per page of a query. */
const fetchSize = 2000;
/**
 * Largest batch, in characters and statements. A coordinator stores a batch over several partitions, so servers refuse batches larger
 * than 50 KiB (Cassandra) or 1 MiB (Scylla).
 */
const batch = { characters: 20_000, statements: 40 };
/** Parallel batches of one write. */
const batchesAtOnce = 4;

/** Connects on first use. While the cluster is down, each call tries to connect and fails. */
export function openScylla(settings: ScyllaSettings): Scylla {
  const connection = reopening(
    () => {
      const client = scyllaClient(settings);
      return {
        client,
        connect: () => connect(client, settings.keyspace),
        disconnect: () => client.shutdown(),
      };
    },
    // A connected driver reconnects automatically.
    () => true,
  );

  const execute = (name: string, values: readonly Value[], timestamp?: number): Promise<types.ResultSet> =>
    connection.use(({ client }) => {
      const statement = statementOf(name);
      return client.execute(statement.cql, values, {
        ...optionsOf(statement),
        ...(timestamp === undefined ? {} : { timestamp: types.Long.fromNumber(timestamp) }),
      });
    });

  const executeBatch = (bounds: readonly Bound[], timestamp: number): Promise<types.ResultSet> =>
    connection.use(({ client }) =>
      client.batch(queriesOf(bounds), {
        ...optionsOf(statementOf(bounds[0]![0])),
        logged: true,
        timestamp: types.Long.fromNumber(timestamp),
      }),
    );

  return {
    rows: (name, values) =>
      connection.use(async ({ client }) => {
        const statement = statementOf(name);
        const rows: Row[] = [];
        let pageState: string | undefined;
        do {
          const result = await client.execute(statement.cql, values, {
            ...optionsOf(statement),
            fetchSize,
            ...(pageState === undefined ? {} : { pageState }),
          });
          rows.push(...(result.rows as unknown as Row[]));
          pageState = (result.pageState as string | null) ?? undefined;
        } while (pageState !== undefined);
        return rows;
      }),
    decide: async (name, values) => (await execute(name, values)).wasApplied(),
    decideTogether: (bounds) =>
      connection.use(async ({ client }) => {
        const options = { ...optionsOf(statementOf(bounds[0]![0])), logged: true };
        return (await client.batch(queriesOf(bounds), options)).wasApplied();
      }),
    async write(bounds, timestamp) {
      await eachOf([...batchesOf(bounds)], batchesAtOnce, (part) =>
        part.length === 1 ? execute(...part[0]!, timestamp) : executeBatch(part, timestamp),
      );
    },
    async writeTogether(bounds, timestamp) {
      await executeBatch(bounds, timestamp);
    },
    close: () => connection.close(),
  };
}

/**
 * Connects, and checks that all migrations of this version have run. Newer migrations are allowed, because during an update the next
 * version runs at the same time. Errors: AppError STORE_UNAVAILABLE with the command to run.
 */
async function connect(client: Client, keyspace: string): Promise<void> {
  try {
    await client.connect();
    const { rows } = await client.execute("SELECT name, status FROM schema_migrations WHERE database = 'scylla'", [], {
      prepare: true,
    });
    const applied = new Set(rows.flatMap((row) => (row.status === 'applied' ? [row.name as string] : [])));
    const missing = scyllaSchema.find((name) => !applied.has(name));
    if (missing !== undefined) throw behind(`the migration ${missing} has not run on the keyspace ${keyspace}`);
  } catch (error) {
    const isMissing =
      error instanceof Error && /keyspace .*does not exist|(unconfigured )?table|undefined column/i.test(error.message);
    throw isMissing && !(error instanceof AppError)
      ? behind(`there are no tables in the keyspace ${keyspace}`, error)
      : error;
  }
}

const behind = (what: string, cause?: unknown): AppError =>
  new AppError('STORE_UNAVAILABLE', { message: `ScyllaDB: ${what}. Run: npm run migrate -- up`, cause });

/** Creates a client. `withKeyspace: false` is for callers that create the keyspace. */
export function scyllaClient(
  { contactPoints, localDatacenter, keyspace, credentials, tls }: ScyllaSettings,
  { withKeyspace = true } = {},
): Client {
  return new Client({
    contactPoints: [...contactPoints],
    localDataCenter: localDatacenter,
    ...(withKeyspace ? { keyspace } : {}),
    ...(credentials === null
      ? {}
      : { authProvider: new auth.PlainTextAuthProvider(credentials.username, credentials.password) }),
    ...(tls === null
      ? {}
      : {
          sslOptions: {
            ...tlsOptions(tls),
            rejectUnauthorized: true,
            checkServerIdentity: isOfNode(contactPoints.map(nameOf)),
          },
        }),
    socketOptions: { connectTimeout: connectMs, readTimeout: requestMs },
    policies: {
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(100, 5000),
    },
    pooling: { heartBeatInterval: 15_000 },
    queryOptions: { prepare: true, consistency: types.consistencies.localQuorum },
  });
}

/** Host name without the port. */
const nameOf = (contactPoint: string): string => contactPoint.split(':')[0]!;

const queriesOf = (bounds: readonly Bound[]) =>
  bounds.map(([name, values]) => ({ query: statementOf(name).cql, params: values as unknown[] }));

function statementOf(name: string): Statement {
  const statement = statements[name];
  if (statement === undefined) throw new Error(`there is no statement named ${name}`);
  return statement;
}

const consistencies = { LOCAL_QUORUM: types.consistencies.localQuorum } as const;
const serials = { LOCAL_SERIAL: types.consistencies.localSerial } as const;

/** The driver must not retry a conditional statement: the first attempt may have been applied. */
const optionsOf = ({ consistency, serial }: Statement) => ({
  prepare: true,
  consistency: consistencies[consistency],
  ...(serial === undefined ? {} : { serialConsistency: serials[serial] }),
  isIdempotent: serial === undefined,
});

/** Whether `write` sends these statements as one batch, so that all are applied or none. */
export const isOneBatch = (bounds: readonly Bound[]): boolean => [...batchesOf(bounds)].length === 1;

function* batchesOf(bounds: readonly Bound[]): Generator<Bound[]> {
  let part: Bound[] = [];
  let characters = 0;
  for (const bound of bounds) {
    const size = bound[1].reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 8), 40);
    if (part.length > 0 && (part.length >= batch.statements || characters + size > batch.characters)) {
      yield part;
      [part, characters] = [[], 0];
    }
    part.push(bound);
    characters += size;
  }
  if (part.length > 0) yield part;
}
