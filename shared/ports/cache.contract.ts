import { describe, expect, it } from 'vitest';
import type { KeptKind, KeptSpace } from '../domain/tuning.ts';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { newTenant } from '../testing/record-factories.ts';
import type { Cache } from './cache.ts';

/** Small spaces, so that a test can fill them. */
const small: KeptSpace = { mostEntries: 5, mostBytes: 1000, whenFull: 'refuse' };
const spaces: Readonly<Record<KeptKind, KeptSpace>> = {
  address: small,
  caller: small,
  login: small,
  idempotency: small,
  guess: { ...small, whenFull: 'oldest' },
  response: { ...small, whenFull: 'oldest' },
};

interface Opened {
  readonly cache: Cache;
  readonly passTime: (milliseconds: number) => Promise<void>;
  /** Closes the cache and opens it again, as a restart does. */
  readonly reopen: () => Promise<Cache>;
}

/**
 * Every promise of `Cache`. `open` uses the given sizes of spaces. `passTime` advances the time of the cache. The clock of a real
 * server runs as well.
 */
export function cacheContract({
  name,
  open,
}: {
  name: string;
  open: (clock: FakeClock, spaces: Readonly<Record<KeptKind, KeptSpace>>) => Promise<Opened>;
}) {
  const setUp = async () => ({ tenant: newTenant(), ...(await open(fakeClock(), spaces)) });

  describe(`${name}: values`, () => {
    it('When a value is set, then it can be read until it expires, only by its tenant', async () => {
      const { cache, tenant, passTime } = await setUp();

      await cache.set(tenant, 'key', 'wert ü', { ttlMs: 60_000 });

      expect(await cache.get(tenant, 'key')).toBe('wert ü');
      expect(await cache.get(newTenant(), 'key')).toBeNull();
      expect(await cache.get(tenant, 'other')).toBeNull();
      await passTime(50_000);
      expect(await cache.get(tenant, 'key')).toBe('wert ü');
      await passTime(10_000);
      expect(await cache.get(tenant, 'key')).toBeNull();
    });

    it('When a value is set again, then the value and its lifetime are replaced', async () => {
      const { cache, tenant, passTime } = await setUp();
      await cache.set(tenant, 'key', 'a', { ttlMs: 60_000 });
      await passTime(50_000);

      await cache.set(tenant, 'key', 'b', { ttlMs: 60_000 });

      await passTime(50_000);
      expect(await cache.get(tenant, 'key')).toBe('b');
    });

    it('When a value is deleted, then it cannot be read any more, and a second delete is not an error', async () => {
      const { cache, tenant } = await setUp();
      await cache.set(tenant, 'key', 'a', { ttlMs: 60_000 });

      await cache.delete(newTenant(), 'key');
      expect(await cache.get(tenant, 'key')).toBe('a');
      await cache.delete(tenant, 'key');
      await cache.delete(tenant, 'key');

      expect(await cache.get(tenant, 'key')).toBeNull();
    });

    it('When several callers add one key at once, then exactly one succeeds, and the key can be added again after it expires', async () => {
      const { cache, tenant, passTime } = await setUp();

      const added = await Promise.all(
        ['a', 'b', 'c'].map((value) => cache.add(tenant, 'key', value, { ttlMs: 60_000 })),
      );

      expect(added.filter(Boolean)).toHaveLength(1);
      expect(await cache.get(tenant, 'key')).toBe(['a', 'b', 'c'][added.indexOf(true)]);
      await passTime(60_000);
      expect(await cache.add(tenant, 'key', 'd', { ttlMs: 60_000 })).toBe(true);
    });
  });

  describe(`${name}: sums`, () => {
    it('When several callers add to one key, then each number is the sum of its additions, only for its tenant', async () => {
      const { cache, tenant, passTime } = await setUp();
      const add = (once: string, by: Record<string, number>) =>
        cache.addToSums(tenant, 'sums', by, { ttlMs: 60_000, once });

      await Promise.all([add('a/1', { x: 1, 'y "z"': 0.25 }), add('b/1', { x: 2 }), add('a/2', { 'y "z"': 0.5 })]);
      await passTime(50_000);
      await add('a/3', { x: -1 });
      await passTime(50_000);

      expect(await cache.sums(tenant, 'sums')).toEqual({ x: 2, 'y "z"': 0.75 });
      expect(await cache.sums(newTenant(), 'sums')).toEqual({});
      await passTime(10_000);
      expect(await cache.sums(tenant, 'sums')).toEqual({});
    });

    it('When an addition is repeated, then it adds nothing', async () => {
      const { cache, tenant } = await setUp();
      const add = () => cache.addToSums(tenant, 'sums', { x: 1 }, { ttlMs: 60_000, once: 'a/1' });

      await Promise.all([add(), add()]);
      await add();

      expect(await cache.sums(tenant, 'sums')).toEqual({ x: 1 });
    });
  });

  describe(`${name}: counters`, () => {
    it('When several callers increment a counter at once, then every increment counts', async () => {
      const { cache, tenant } = await setUp();

      const sums = await Promise.all(
        Array.from({ length: 50 }, () => cache.increment(tenant, 'n', 2, { ttlMs: 60_000 })),
      );

      expect(sums.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => 2 * (i + 1)));
      expect(await cache.get(tenant, 'n')).toBe('100');
      expect(await cache.increment(newTenant(), 'n', 1, { ttlMs: 60_000 })).toBe(1);
    });

    it('When a counter is incremented again, then its lifetime still counts from the first increment', async () => {
      const { cache, tenant, passTime } = await setUp();
      await cache.increment(tenant, 'n', 1, { ttlMs: 60_000 });
      await passTime(40_000);
      await cache.increment(tenant, 'n', 1, { ttlMs: 60_000 });

      await passTime(20_000);

      expect(await cache.increment(tenant, 'n', 1, { ttlMs: 60_000 })).toBe(1);
    });

    it('When a value is not an integer, then an increment is an error and does not change it', async () => {
      const { cache, tenant } = await setUp();
      await cache.set(tenant, 'n', 'text', { ttlMs: 60_000 });

      await expect(cache.increment(tenant, 'n', 1, { ttlMs: 60_000 })).rejects.toThrow();

      expect(await cache.get(tenant, 'n')).toBe('text');
    });

    it('When the signal is already aborted, then the call rejects with its reason and changes nothing', async () => {
      const { cache, tenant } = await setUp();
      const signal = AbortSignal.abort(new Error('gone'));

      await expect(cache.set(tenant, 'key', 'a', { ttlMs: 60_000, signal })).rejects.toThrow('gone');
      await expect(cache.increment(tenant, 'key', 1, { ttlMs: 60_000, signal })).rejects.toThrow('gone');
      await expect(cache.get(tenant, 'key', { signal })).rejects.toThrow('gone');

      expect(await cache.get(tenant, 'key')).toBeNull();
    });
  });

  describe(`${name}: security state`, () => {
    const kept = { kept: 'login', ttlMs: 60_000 } as const;

    it('When a value is kept, then it can be read until it expires, only by its tenant, as its kind', async () => {
      const { cache, tenant, passTime } = await setUp();

      await cache.set(tenant, 'key', 'wert ü', kept);

      expect(await cache.get(tenant, 'key', kept)).toBe('wert ü');
      expect(await cache.get(newTenant(), 'key', kept)).toBeNull();
      expect(await cache.get(tenant, 'key', { kept: 'guess' })).toBeNull();
      expect(await cache.get(tenant, 'key')).toBeNull();
      await passTime(59_000);
      expect(await cache.get(tenant, 'key', kept)).toBe('wert ü');
      await passTime(1000);
      expect(await cache.get(tenant, 'key', kept)).toBeNull();
    });

    it('When the process starts again, then values, locks and counters are still there with their lifetimes', async () => {
      const { cache, tenant, passTime, reopen } = await setUp();
      await cache.set(tenant, 'value', 'a', kept);
      await cache.add(tenant, 'lock', 'b', kept);
      await cache.increment(tenant, 'n', 7, kept);
      await cache.increment(tenant, 'limit', 3, { kept: 'caller', ttlMs: 60_000 });
      await passTime(50_000);

      const again = await reopen();

      expect(await again.get(tenant, 'value', kept)).toBe('a');
      expect(await again.add(tenant, 'lock', 'c', kept)).toBe(false);
      expect(await again.increment(tenant, 'n', 1, kept)).toBe(8);
      expect(await again.increment(tenant, 'limit', 1, { kept: 'caller', ttlMs: 60_000 })).toBe(4);
      await passTime(10_000);
      expect(await again.get(tenant, 'value', kept)).toBeNull();
      expect(await again.add(tenant, 'lock', 'c', kept)).toBe(true);
      expect(await again.increment(tenant, 'n', 1, kept)).toBe(1);
    });

    it('When several callers add one key at once, then exactly one succeeds, and when it is deleted it can be added again', async () => {
      const { cache, tenant } = await setUp();

      const added = await Promise.all(['a', 'b', 'c'].map((value) => cache.add(tenant, 'key', value, kept)));

      expect(added.filter(Boolean)).toHaveLength(1);
      await cache.delete(tenant, 'key', kept);
      await cache.delete(tenant, 'key', kept);
      expect(await cache.add(tenant, 'key', 'd', kept)).toBe(true);
    });

    it('When several callers increment a counter at once, then every increment counts', async () => {
      const { cache, tenant } = await setUp();

      const sums = await Promise.all(Array.from({ length: 50 }, () => cache.increment(tenant, 'n', 2, kept)));

      expect(sums.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => 2 * (i + 1)));
    });

    it('When a counter is incremented again, then its lifetime still counts from the first increment', async () => {
      const { cache, tenant, passTime } = await setUp();
      await cache.increment(tenant, 'n', 1, kept);
      await passTime(40_000);
      await cache.increment(tenant, 'n', 1, kept);

      await passTime(20_000);

      expect(await cache.increment(tenant, 'n', 1, kept)).toBe(1);
    });

    it('When a value is not an integer, then an increment is an error and does not change it', async () => {
      const { cache, tenant } = await setUp();
      await cache.set(tenant, 'n', 'text', kept);

      await expect(cache.increment(tenant, 'n', 1, kept)).rejects.toThrow(RangeError);

      expect(await cache.get(tenant, 'n', kept)).toBe('text');
    });

    it('When the space of a tenant is full, then a new entry is refused, old entries and other tenants go on, until entries expire', async () => {
      const { cache, tenant, passTime } = await setUp();
      const other = newTenant();
      for (let i = 0; i < 5; i++) await cache.add(tenant, `key${i}`, 'x', kept);

      const refused = await cache.add(tenant, 'new', 'x', kept).catch((error) => error);

      expect([refused.code, refused.retryAfter]).toEqual(['RATE_LIMITED', 60]);
      await expect(cache.increment(tenant, 'n', 1, kept)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
      await cache.set(tenant, 'key0', 'y', kept);
      expect(await cache.get(tenant, 'key0', kept)).toBe('y');
      expect(await cache.add(other, 'new', 'x', kept)).toBe(true);
      expect(await cache.add(tenant, 'new', 'x', { ...kept, kept: 'caller' })).toBe(true);
      await passTime(60_000);
      expect(await cache.add(tenant, 'new', 'x', kept)).toBe(true);
    });

    it('When a value is larger than its space, then it is refused and the other entries stay', async () => {
      const { cache, tenant } = await setUp();
      await cache.set(tenant, 'small', 'x', kept);
      await cache.set(tenant, 'small', 'x', { ...kept, kept: 'caller' });

      for (const kind of ['login', 'caller'] as const) {
        const large = cache.set(tenant, 'large', 'x'.repeat(1000), { ...kept, kept: kind });
        await expect(large).rejects.toMatchObject({ code: 'RATE_LIMITED' });
        expect(await cache.get(tenant, 'small', { kept: kind })).toBe('x');
      }
    });

    it('When a space that loses its oldest entries is full, then the entry that expires first is removed, only in this space', async () => {
      const { cache, tenant } = await setUp();
      const other = newTenant();
      const guess = (i: number) => ({ kept: 'guess', ttlMs: 60_000 + i }) as const;
      await cache.set(other, 'key0', 'x', guess(0));
      await cache.set(tenant, 'key0', 'x', kept);
      for (let i = 0; i < 5; i++) await cache.set(tenant, `key${i}`, 'x'.repeat(190), guess(i));

      await cache.set(tenant, 'new', 'x', guess(9));
      await cache.set(tenant, 'big', 'x'.repeat(700), guess(10));

      const left = await Promise.all(
        ['key0', 'key1', 'key2', 'key3', 'key4', 'new', 'big'].map((key) => cache.get(tenant, key, guess(0))),
      );
      expect(left.map((value) => value?.length ?? null)).toEqual([null, null, null, null, 190, 1, 700]);
      expect(await cache.get(other, 'key0', guess(0))).toBe('x');
      expect(await cache.get(tenant, 'key0', kept)).toBe('x');
    });

    it('When other tenants set ten thousand cached values, then no security state disappears', async () => {
      const { cache, tenant } = await setUp();
      await cache.add(tenant, 'lock', 'x', kept);
      const value = 'x'.repeat(10_000);

      for (let i = 0; i < 100; i++)
        await Promise.all(
          Array.from({ length: 100 }, (_, j) => cache.set(newTenant(), `k${i}/${j}`, value, { ttlMs: 1000 })),
        );

      expect(await cache.get(tenant, 'lock', kept)).toBe('x');
    });
  });
}
