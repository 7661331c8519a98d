import { describe, expect, it } from 'vitest';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { newTenant } from '../testing/record-factories.ts';
import type { Cache } from './cache.ts';

/** What every `Cache` must do. `passTime` moves the time that the cache goes by; a real server's own time passes beside it. */
export function cacheContract({
  name,
  open,
}: {
  name: string;
  open: (clock: FakeClock) => Promise<{ cache: Cache; passTime: (milliseconds: number) => Promise<void> }>;
}) {
  const setUp = async () => ({ tenant: newTenant(), ...(await open(fakeClock())) });

  describe(`${name}: values`, () => {
    it('When a value is set, then it is there until its time is over, and only for its tenant', async () => {
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

    it('When a value is set again, then value and time are new', async () => {
      const { cache, tenant, passTime } = await setUp();
      await cache.set(tenant, 'key', 'a', { ttlMs: 60_000 });
      await passTime(50_000);

      await cache.set(tenant, 'key', 'b', { ttlMs: 60_000 });

      await passTime(50_000);
      expect(await cache.get(tenant, 'key')).toBe('b');
    });

    it('When a value is deleted, then it is gone, and deleting again is no error', async () => {
      const { cache, tenant } = await setUp();
      await cache.set(tenant, 'key', 'a', { ttlMs: 60_000 });

      await cache.delete(newTenant(), 'key');
      expect(await cache.get(tenant, 'key')).toBe('a');
      await cache.delete(tenant, 'key');
      await cache.delete(tenant, 'key');

      expect(await cache.get(tenant, 'key')).toBeNull();
    });

    it('When many add one key at once, then exactly one does, and again after the time is over', async () => {
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
    it('When several sides add to one key, then each number is the sum of what was added to it, for its tenant', async () => {
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

    it('When the same addition comes again, then it adds nothing', async () => {
      const { cache, tenant } = await setUp();
      const add = () => cache.addToSums(tenant, 'sums', { x: 1 }, { ttlMs: 60_000, once: 'a/1' });

      await Promise.all([add(), add()]);
      await add();

      expect(await cache.sums(tenant, 'sums')).toEqual({ x: 1 });
    });
  });

  describe(`${name}: counters`, () => {
    it('When a counter is incremented at once from many sides, then no step is lost', async () => {
      const { cache, tenant } = await setUp();

      const sums = await Promise.all(
        Array.from({ length: 50 }, () => cache.increment(tenant, 'n', 2, { ttlMs: 60_000 })),
      );

      expect(sums.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => 2 * (i + 1)));
      expect(await cache.get(tenant, 'n')).toBe('100');
      expect(await cache.increment(newTenant(), 'n', 1, { ttlMs: 60_000 })).toBe(1);
    });

    it('When a counter is incremented again, then its time still counts from the first increment', async () => {
      const { cache, tenant, passTime } = await setUp();
      await cache.increment(tenant, 'n', 1, { ttlMs: 60_000 });
      await passTime(40_000);
      await cache.increment(tenant, 'n', 1, { ttlMs: 60_000 });

      await passTime(20_000);

      expect(await cache.increment(tenant, 'n', 1, { ttlMs: 60_000 })).toBe(1);
    });

    it('When a value is no integer, then incrementing it is an error and leaves it', async () => {
      const { cache, tenant } = await setUp();
      await cache.set(tenant, 'n', 'text', { ttlMs: 60_000 });

      await expect(cache.increment(tenant, 'n', 1, { ttlMs: 60_000 })).rejects.toThrow();

      expect(await cache.get(tenant, 'n')).toBe('text');
    });

    it('When a call comes with an aborted signal, then it rejects with its reason and does nothing', async () => {
      const { cache, tenant } = await setUp();
      const signal = AbortSignal.abort(new Error('gone'));

      await expect(cache.set(tenant, 'key', 'a', { ttlMs: 60_000, signal })).rejects.toThrow('gone');
      await expect(cache.increment(tenant, 'key', 1, { ttlMs: 60_000, signal })).rejects.toThrow('gone');
      await expect(cache.get(tenant, 'key', { signal })).rejects.toThrow('gone');

      expect(await cache.get(tenant, 'key')).toBeNull();
    });
  });
}
