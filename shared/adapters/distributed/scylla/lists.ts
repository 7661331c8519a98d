import { randomUUID } from 'node:crypto';
import { eachOf } from '../../../domain/each-of.ts';
import type { Page } from '../../../ports/pages.ts';
import type { PageTokens, Position } from '../../page-token.ts';
import type { Bound, Row, Scylla } from './client.ts';
import type { ListTable } from './statements.ts';

/** Tenant of lists and documents that belong to the whole platform. No tenant can have this name. */
export const platform = '*';

/** Position in a list: ordered by `at`, then by `id`. */
export interface Entry {
  /** Milliseconds since the epoch, or another number. */
  readonly at: number;
  readonly id: string;
}
export type StoredEntry = Entry & { readonly data: string };

export interface Walk {
  readonly order: 'up' | 'down';
  /** Start after this position. */
  readonly after?: Position | undefined;
  /** Inclusive. */
  readonly from?: number | undefined;
  /** Exclusive. */
  readonly to?: number | undefined;
  /** Entries per request. */
  readonly step: number;
}

const hour = 3_600_000;
const year = (at: number, years = 0) => Date.UTC(new Date(at).getUTCFullYear() + years, 0, 1);
const month = (at: number) => Date.UTC(new Date(at).getUTCFullYear(), new Date(at).getUTCMonth(), 1);
const every = (size: number) => (at: number) => Math.floor(at / size) * size;

const years = (at: number): number => year(at);
const months = month;
const days = every(24 * hour);
const hours = every(hour);
const tenMinutes = every(hour / 6);

/**
 * [Note: Lists in buckets]
 * Rows that must be found by another value than their id have entries in a list. `at` and `id` are the position; `data` has values that
 * are needed without reading the row. A list is divided into buckets, one partition each, so that no partition grows without limit: for
 * example one year of one person's faces, or one day of a tenant's faces. The table `buckets` has a row for each bucket of a list, so a
 * walk skips missing buckets. Three years of days are a thousand small rows in one partition. There is no list by place: no request
 * searches all persons near a place, and the entries of a person's appearances contain the place.
 */
const bucketOf: Readonly<Record<ListTable, (at: number) => number>> = {
  outbox: hours,
  unfinished: hours,
  persons_by_tenant: days,
  images_by_tenant: days,
  unexpired_images_by_tenant: days,
  faces_by_tenant: days,
  unknown_faces_by_tenant: days,
  faces_by_person: years,
  appearances_by_person: months,
  jobs_by_tenant: days,
  jobs_by_face: years,
  jobs_by_person: years,
  jobs_by_batch: every(10_000),
  jobs_waiting: hours,
  jobs_finished: hours,
  dead_letters_by_tenant: days,
  dead_letters_of_all: hours,
  uploads_by_tenant: days,
  uploads_by_image: years,
  tenants_by_age: years,
  users_by_tenant: years,
  api_keys_by_tenant: years,
  audit_chains: months,
  audit_by_time: days,
  audit_by_subject: months,
  messages_by_webhook: days,
  messages_of_all: hours,
  messages_waiting: tenMinutes,
  messages_due: tenMinutes,
  queues_due: tenMinutes,
  queues_in_turn: years,
};

/** Lists with short-lived entries. An empty bucket is unregistered when it started at least this many milliseconds ago. */
const shortLived: ReadonlyMap<ListTable, number> = new Map<ListTable, number>([
  ['outbox', 48 * hour],
  ['unfinished', 48 * hour],
  ['jobs_waiting', 48 * hour],
  ['jobs_finished', 48 * hour],
  ['dead_letters_of_all', 48 * hour],
  ['messages_of_all', 48 * hour],
  ['messages_waiting', 3 * hour],
  ['messages_due', 3 * hour],
  ['queues_due', 3 * hour],
]);

/** Scope of lists that cover the whole tenant. */
const wholeTenant = '-';
/** Smallest and largest `at` of a position. Ids are never empty. */
const [least, greatest] = [-9_000_000_000_000_000, 9_000_000_000_000_000];
/** Buckets read in parallel when they have few entries. */
const mostBuckets = 16;

/** Adds an entry to a list, or replaces its data. */
export function put(table: ListTable, tenant: string, { at, id }: Entry, data = '', scope = wholeTenant): Bound[] {
  const bucket = bucketOf[table](at);
  return [
    [`${table}:put`, [tenant, scope, bucket, at, id, data]],
    ['buckets:touch', [tenant, listingOf(table, scope), bucket, newStamp()]],
  ];
}

/** Removes an entry from a list. */
export function drop(table: ListTable, tenant: string, { at, id }: Entry, scope = wholeTenant): Bound[] {
  const bucket = bucketOf[table](at);
  return [
    [`${table}:drop`, [tenant, scope, bucket, at, id]],
    ['buckets:touch', [tenant, listingOf(table, scope), bucket, newStamp()]],
  ];
}

/** Entries in order. */
export async function* walk(
  scylla: Scylla,
  table: ListTable,
  tenant: string,
  { order, after, from = least, to = greatest, step }: Walk,
  scope = wholeTenant,
): AsyncGenerator<StoredEntry> {
  const [low, high]: [Position, Position] =
    order === 'up' ? [later([from, ''], after), [to, '']] : [[from, ''], earlier([to, ''], after)];
  const registered = await scylla.rows(`buckets:${order}`, [
    tenant,
    listingOf(table, scope),
    low[0] <= least ? least : bucketOf[table](low[0]),
    high[0],
  ]);
  const buckets = registered.map(({ bucket }) => Number(bucket));
  let atOnce = 1;
  for (let i = 0; i < buckets.length; ) {
    const some = buckets.slice(i, i + atOnce);
    i += some.length;
    const read = (bucket: number, [start, end]: readonly [Position, Position]) =>
      scylla.rows(`${table}:${order}`, [tenant, scope, bucket, ...start, ...end, step]);
    const firsts = await eachOf(some, mostBuckets, (bucket) => read(bucket, [low, high]));
    let found = 0;
    for (const [index, first] of firsts.entries()) {
      let rows = first;
      if (rows.length === 0 && isWhole(table, some[index]!, low, high))
        unregister(scylla, table, tenant, scope, some[index]!);
      while (rows.length > 0) {
        found += rows.length;
        for (const row of rows) yield toEntry(row);
        if (rows.length < step) break;
        const { at, id } = toEntry(rows.at(-1)!);
        rows = await read(some[index]!, order === 'up' ? [[at, id], high] : [low, [at, id]]);
      }
    }
    atOnce = found < step ? Math.min(atOnce * 2, mostBuckets) : 1;
  }
}

export interface PageWalk<Item> extends Omit<Walk, 'step'> {
  readonly limit: number;
  /** Loads the items of entries, in the same order; null: the item does not exist or does not match. */
  readonly load: (entries: readonly StoredEntry[]) => Promise<readonly (Item | null)[]>;
  /** Most entries read for one page; a page that reaches this number ends early. Default 5000. */
  readonly most?: number;
  readonly scope?: string | undefined;
}

/** Largest number of items of a page. */
const longest = 1000;

/**
 * Reads a page. It starts after the position in the page token, whatever was added or removed since the page before.
 * Errors: RangeError for an invalid limit; AppError PAGE_TOKEN_INVALID.
 */
export async function pageOf<Item>(
  scylla: Scylla,
  tokens: PageTokens,
  listing: string,
  table: ListTable,
  tenant: string,
  { limit, after, load, most = 5000, scope, ...rest }: Omit<PageWalk<Item>, 'after'> & { after?: string | undefined },
): Promise<Page<Item>> {
  checkLimit(limit);
  const start = after === undefined ? undefined : tokens.read(listing, after);
  const step = Math.min(limit + 1, longest);
  const items: Item[] = [];
  const positions: Position[] = [];
  let entriesRead = 0;
  let waiting: StoredEntry[] = [];
  let seen: Position | undefined;
  const loadWaiting = async () => {
    const loaded = await load(waiting);
    for (const [index, item] of loaded.entries()) {
      if (item === null) continue;
      items.push(item);
      positions.push([waiting[index]!.at, waiting[index]!.id]);
    }
    waiting = [];
  };
  for await (const entry of walk(scylla, table, tenant, { ...rest, after: start, step }, scope)) {
    waiting.push(entry);
    seen = [entry.at, entry.id];
    entriesRead++;
    if (waiting.length >= step || entriesRead >= most) await loadWaiting();
    if (items.length > limit || entriesRead >= most) break;
  }
  if (waiting.length > 0) await loadWaiting();
  const end = items.length > limit ? positions[limit - 1]! : entriesRead >= most ? seen! : null;
  return { items: items.slice(0, limit), next: end === null ? null : tokens.write(listing, end) };
}

export function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > longest) throw new RangeError(`limit must be 1 to ${longest}`);
}

/** Whether a list has entries. */
export async function hasEntries(scylla: Scylla, table: ListTable, tenant: string): Promise<boolean> {
  for await (const _ of walk(scylla, table, tenant, { order: 'down', step: 1 })) return true;
  return false;
}

/** A larger count of a bucket is cached. */
const cachedAbove = 1000;
/** Longest age of a cached count, as a multiple of the time that counting took. */
const reuseFactor = 20;
/** A bucket's count is stored as final only when its stamp is older than this, because the clocks of processes differ. */
const skewMs = 10_000;

/**
 * Number of entries of a list, and the sum of their data as numbers.
 *
 * [Note: Counting without counters]
 * The count of each bucket is stored with the bucket's stamp and is valid while the stamp is the same. Adding or removing an entry writes a
 * new stamp. So old buckets are counted again only when they change, and usually only the current bucket is read. The count of a bucket
 * with more than a thousand entries is reused for twenty times the time that counting took. So the usage can be out of date by some
 * seconds when a day has a million entries. Smaller counts are exact.
 */
export async function countOf(
  scylla: Scylla,
  table: ListTable,
  tenant: string,
  scope = wholeTenant,
): Promise<{ count: number; total: number }> {
  const listing = listingOf(table, scope);
  const registered = await scylla.rows('buckets:up', [tenant, listing, least, greatest]);
  const counts = await eachOf(registered, mostBuckets, async (row) => {
    const [bucket, stamp] = [Number(row.bucket), row.stamp as string];
    const [count, total] = [Number(row.counted ?? 0), Number(row.total ?? 0)];
    if (row.counted_stamp !== null && row.counted_stamp === stamp) return { count, total };
    if (row.keep_until !== null && Number(row.keep_until) > Date.now()) return { count, total };
    return await countBucket(scylla, table, tenant, scope, bucket, stamp);
  });
  return counts.reduce((sum, { count, total }) => ({ count: sum.count + count, total: sum.total + total }), {
    count: 0,
    total: 0,
  });
}

async function countBucket(
  scylla: Scylla,
  table: ListTable,
  tenant: string,
  scope: string,
  bucket: number,
  stamp: string,
): Promise<{ count: number; total: number }> {
  const begun = Date.now();
  let [count, total] = [0, 0];
  let position: Position = [least, ''];
  for (;;) {
    const rows = await scylla.rows(`${table}:up`, [tenant, scope, bucket, ...position, greatest, '', 5000]);
    count += rows.length;
    for (const { data } of rows) total += Number(data) || 0;
    if (rows.length < 5000) break;
    const { at, id } = toEntry(rows.at(-1)!);
    position = [at, id];
  }
  const now = Date.now();
  const isFinal = begun - timeOfStamp(stamp) > skewMs;
  const keepUntil = count > cachedAbove ? now + reuseFactor * (now - begun) : 0;
  if (isFinal || keepUntil > 0) {
    await scylla.write(
      [
        [
          'buckets:counted',
          [count, total, isFinal ? stamp : 'none', keepUntil, tenant, listingOf(table, scope), bucket],
        ],
      ],
      now * 1000,
    );
  }
  return { count, total };
}

/** Whether the range of a walk covers the whole bucket. Outside the range a bucket may have more entries. */
const isWhole = (table: ListTable, bucket: number, low: Position, high: Position): boolean =>
  (low[0] < bucket || (low[0] === bucket && low[1] === '')) && bucketOf[table](high[0]) > bucket;

/** Unregisters an empty bucket in the background. If that fails, the next walk tries again. */
function unregister(scylla: Scylla, table: ListTable, tenant: string, scope: string, bucket: number): void {
  const settledMs = shortLived.get(table);
  if (settledMs === undefined || bucket > Date.now() - settledMs) return;
  // The timestamp is an hour old, so that the deletion does not remove a registration that is being written now.
  const asOf = (Date.now() - hour) * 1000;
  scylla.write([['buckets:forget', [tenant, listingOf(table, scope), bucket]]], asOf).catch(() => undefined);
}

const listingOf = (table: ListTable, scope: string): string => `${table}/${scope}`;
const newStamp = (): string => `${Date.now()}/${randomUUID()}`;
const timeOfStamp = (stamp: string): number => Number(stamp.split('/')[0]);

const toEntry = ({ at, id, data }: Row): StoredEntry => ({
  at: Number(at),
  id: id as string,
  data: (data as string | null) ?? '',
});

const later = (a: Position, b: Position | undefined): Position =>
  b === undefined || a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]) ? a : b;
const earlier = (a: Position, b: Position | undefined): Position =>
  b === undefined || a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]) ? a : b;
