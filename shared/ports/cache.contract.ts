import { describe, expect, it } from 'vitest';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { newTenant } from '../testing/record-factories.ts';
import type { Cache } from './cache.ts';

/** Every promise of `Cache`. `passTime` advances the time of the cache. The clock of a real server runs as well. */
export function cacheContract({
  name,
  open,
}: {
  name: string;
  open: (clock: FakeClock) => Promise<{ cache: Cache; passTime: (milliseconds: number) => Promise<void> }>;
}) {
  const setUp = async () => ({ tenant: newTenant(), ...(await open(fakeClock())) });

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
}
