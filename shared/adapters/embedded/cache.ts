import { LRUCache } from 'lru-cache';
import type { Cache, CacheOptions as CallKind } from '../../ports/cache.ts';
import type { CallOptions, Tenant } from '../../ports/tenant.ts';
import type { KeptKey } from '../kept-space.ts';
import { type KeptOptions, openKept } from './cache-kept.ts';

export interface CacheOptions extends KeptOptions {
  /** Most bytes of all keys and cached values together; the least recently used entry is deleted first. Default 64 MiB. */
  readonly maxBytes?: number;
}

interface Entry {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Bytes of one entry in addition to its text; a high estimate. */
const entryOverhead = 200;

/** How long the cache remembers the `once` of an addition. */
const onceMs = 10 * 60_000;

/** Cached values in memory; they end with the process. Security state is in `cache.db`. */
export async function openCache({ maxBytes = 64 * 1024 * 1024, ...options }: CacheOptions): Promise<Cache> {
  const { clock } = options;
  const kept = await openKept(options);
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    sizeCalculation: ({ value }, key) => 2 * (key.length + value.length) + entryOverhead,
  });

  const live = (name: string): Entry | undefined => {
    const entry = entries.get(name);
    if (entry === undefined || entry.expiresAt > clock.now()) return entry;
    entries.delete(name);
    return undefined;
  };

  return {
    async get(tenant, key, options) {
      options?.signal?.throwIfAborted();
      const state = keptKey(tenant, key, options);
      return state === null ? (live(nameOf(tenant, key))?.value ?? null) : kept.get(state);
    },
    async set(tenant, key, value, options) {
      const expiresAt = expiry(clock.now(), options);
      const state = keptKey(tenant, key, options);
      if (state !== null) return kept.set(state, value, expiresAt, options);
      entries.set(nameOf(tenant, key), { value, expiresAt });
    },
    async add(tenant, key, value, options) {
      const expiresAt = expiry(clock.now(), options);
      const state = keptKey(tenant, key, options);
      if (state !== null) return kept.add(state, value, expiresAt, options);
      const name = nameOf(tenant, key);
      if (live(name) !== undefined) return false;
      entries.set(name, { value, expiresAt });
      return true;
    },
    async delete(tenant, key, options) {
      options?.signal?.throwIfAborted();
      const state = keptKey(tenant, key, options);
      if (state !== null) return kept.delete(state, options);
      entries.delete(nameOf(tenant, key));
    },
    async increment(tenant, key, by, options) {
      const expiresAt = expiry(clock.now(), options);
      const state = keptKey(tenant, key, options);
      if (state !== null) return kept.increment(state, by, expiresAt, options);
      const name = nameOf(tenant, key);
      const before = live(name);
      const sum = Number(before?.value ?? 0) + by;
      if (!Number.isSafeInteger(sum)) throw new RangeError(`${key} is not an integer that can grow by ${by}`);
      entries.set(name, { value: String(sum), expiresAt: before?.expiresAt ?? expiresAt });
      return sum;
    },
    async addToSums(tenant, key, by, { once, ...options }) {
      const expiresAt = expiry(clock.now(), options);
      const [name, mark] = [nameOf(tenant, key), nameOf(tenant, `${key}/once/${once}`)];
      if (live(mark) !== undefined) return;
      const sums = JSON.parse(live(name)?.value ?? '{}') as Record<string, number>;
      for (const [field, delta] of Object.entries(by)) sums[field] = (sums[field] ?? 0) + delta;
      entries.set(mark, { value: '', expiresAt: clock.now() + onceMs });
      entries.set(name, { value: JSON.stringify(sums), expiresAt });
    },
    async sums(tenant, key, options) {
      options?.signal?.throwIfAborted();
      return JSON.parse(live(nameOf(tenant, key))?.value ?? '{}') as Record<string, number>;
    },
    async close() {
      entries.clear();
      await kept.close();
    },
  };
}

const keptKey = (tenant: Tenant, key: string, options: CallKind | undefined): KeptKey | null =>
  options?.kept === undefined ? null : { tenant, kind: options.kept, key };

/** A tenant's name contains no line break, so two pairs never have the same name. */
const nameOf = (tenant: Tenant, key: string): string => `${tenant}\n${key}`;

function expiry(now: number, { ttlMs, signal }: CallOptions & { readonly ttlMs: number }): number {
  signal?.throwIfAborted();
  if (!(ttlMs > 0)) throw new RangeError('ttlMs must be above 0');
  return now + ttlMs;
}
