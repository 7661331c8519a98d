import { type KeptKind, type KeptSpace, kept as keptSpaces } from '../../domain/tuning.ts';
import type { CallOptions } from '../../ports/tenant.ts';
import { type KeptKey, keptSpaceFull } from '../kept-space.ts';
import type { Database } from './database.ts';
import { forcedOnDemand } from './forced-on-demand.ts';
import { createGroupCommit } from './group-commit.ts';
import { openStoreDatabase, type StoreDatabase } from './store-database.ts';
import type { StoreOptions } from './store-options.ts';

export interface KeptOptions extends Pick<StoreOptions, 'clock' | 'dataDir'> {
  /** For tests; default: `kept` of shared/domain/tuning.ts. */
  readonly spaces?: Readonly<Record<KeptKind, KeptSpace>>;
}

/** Security state on disk. The methods have the meaning of the methods of `Cache`. */
export interface Kept {
  get(key: KeptKey): Promise<string | null>;
  set(key: KeptKey, value: string, expiresAt: number, options: CallOptions): Promise<void>;
  add(key: KeptKey, value: string, expiresAt: number, options: CallOptions): Promise<boolean>;
  delete(key: KeptKey, options: CallOptions | undefined): Promise<void>;
  increment(key: KeptKey, by: number, expiresAt: number, options: CallOptions): Promise<number>;
  close(): Promise<void>;
}

/** Expired entries that one write removes at most; each write adds at most one. */
const sweptAtOnce = 20;
/** Kinds whose writes survive a power cut. Counters of rate limits live a minute: they survive the death of the process only. */
const forced: ReadonlySet<KeptKind> = new Set(['login', 'guess', 'idempotency', 'response']);

type Outcome<T> = { readonly value: T } | { readonly fullUntil: number | null };
interface Row {
  readonly value: string;
  readonly expires_at: number;
}

/** Security state in `cache.db`. See: [Note: Security state is not a cached value] */
export const openKept = ({ dataDir, clock, spaces = keptSpaces }: KeptOptions): Promise<Kept> =>
  openStoreDatabase({ dataDir, clock }, 'cache', (opened) => {
    opened.database.run('DELETE FROM kept WHERE expires_at <= ?', [clock.now()]);
    return keptOn(opened, () => clock.now(), spaces);
  });

function keptOn(
  { database, close }: StoreDatabase,
  now: () => number,
  spaces: Readonly<Record<KeptKind, KeptSpace>>,
): Kept {
  const commits = createGroupCommit(forcedOnDemand(database));
  let closing: Promise<void> | undefined;

  const live = ({ tenant, kind, key }: KeptKey): Row | undefined =>
    database.get<Row>(
      'SELECT value, expires_at FROM kept WHERE tenant = ? AND kind = ? AND key = ? AND expires_at > ?',
      [tenant, kind, key, now()],
    );

  /** `run` returns its refusal: an exception would take back the writes that share its transaction. */
  const write = async <T>({ kind }: KeptKey, options: CallOptions | undefined, run: () => Outcome<T>): Promise<T> => {
    options?.signal?.throwIfAborted();
    const outcome = await commits.run(
      () => {
        sweep(database, now());
        return run();
      },
      { signal: options?.signal, durable: forced.has(kind) },
    );
    if ('value' in outcome) return outcome.value;
    throw keptSpaceFull(kind, outcome.fullUntil, now());
  };

  const put = (key: KeptKey, value: string, expiresAt: number): Outcome<null> => {
    const size = Buffer.byteLength(key.key) + Buffer.byteLength(value);
    const full = makeRoom(database, key, size, spaces[key.kind], now());
    if (full !== null) return full;
    database.run(
      `INSERT INTO kept (tenant, kind, key, value, size, expires_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value, size = excluded.size, expires_at = excluded.expires_at`,
      [key.tenant, key.kind, key.key, value, size, expiresAt],
    );
    return { value: null };
  };
  const then = <T>(outcome: Outcome<null>, value: T): Outcome<T> => ('value' in outcome ? { value } : outcome);

  return {
    get: async (key) => live(key)?.value ?? null,
    set: async (key, value, expiresAt, options) => {
      await write(key, options, () => put(key, value, expiresAt));
    },
    add: (key, value, expiresAt, options) =>
      write(key, options, () => (live(key) === undefined ? then(put(key, value, expiresAt), true) : { value: false })),
    delete: (key, options) =>
      write(key, options, () => {
        remove(database, key);
        return { value: undefined };
      }),
    async increment(key, by, expiresAt, options) {
      const sum = await write<number | null>(key, options, () => {
        const before = live(key);
        const after = Number(before?.value ?? 0) + by;
        if (!Number.isSafeInteger(after)) return { value: null };
        return then(put(key, String(after), before?.expires_at ?? expiresAt), after);
      });
      if (sum === null) throw new RangeError(`${key.key} is not an integer that can grow by ${by}`);
      return sum;
    },
    close() {
      closing ??= commits.drained().then(close);
      return closing;
    },
  };
}

function remove(database: Database, { tenant, kind, key }: KeptKey): void {
  database.run('DELETE FROM kept WHERE tenant = ? AND kind = ? AND key = ?', [tenant, kind, key]);
}

function sweep(database: Database, now: number): void {
  database.run(
    `DELETE FROM kept WHERE (tenant, kind, key) IN
       (SELECT tenant, kind, key FROM kept WHERE expires_at <= ? ORDER BY expires_at LIMIT ${sweptAtOnce})`,
    [now],
  );
}

/** Makes room for one entry in its space. null: there is room. */
function makeRoom(
  database: Database,
  { tenant, kind, key }: KeptKey,
  size: number,
  { mostEntries, mostBytes, whenFull }: KeptSpace,
  now: number,
): { readonly fullUntil: number | null } | null {
  const own = database.get<{ size: number }>('SELECT size FROM kept WHERE tenant = ? AND kind = ? AND key = ?', [
    tenant,
    kind,
    key,
  ]);
  const isFull = (): boolean => {
    const space = database.get<{ entries: number; bytes: number }>(
      'SELECT entries, bytes FROM kept_spaces WHERE tenant = ? AND kind = ?',
      [tenant, kind],
    );
    const entries = (space?.entries ?? 0) + (own === undefined ? 1 : 0);
    const bytes = (space?.bytes ?? 0) + size - (own?.size ?? 0);
    return entries > mostEntries || bytes > mostBytes;
  };
  if (!isFull()) return null;
  database.run('DELETE FROM kept WHERE tenant = ? AND kind = ? AND expires_at <= ? AND key <> ?', [
    tenant,
    kind,
    now,
    key,
  ]);
  const first = () =>
    database.get<{ key: string; expires_at: number }>(
      'SELECT key, expires_at FROM kept WHERE tenant = ? AND kind = ? AND key <> ? ORDER BY expires_at LIMIT 1',
      [tenant, kind, key],
    );
  while (isFull()) {
    const oldest = first();
    if (whenFull === 'refuse' || oldest === undefined) return { fullUntil: oldest?.expires_at ?? null };
    remove(database, { tenant, kind, key: oldest.key });
  }
  return null;
}
