import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import type { Engines } from '../../engine-settings.ts';
import { cacheContract } from '../../ports/cache.contract.ts';
import type { Cache } from '../../ports/cache.ts';
import { systemClock } from '../../ports/clock.ts';
import { createLogger } from '../../telemetry/log.ts';
import { describeEngine } from '../../testing/engine.ts';
import { portProxy } from '../../testing/port-proxy.ts';
import { newTenant } from '../../testing/record-factories.ts';
import { type CacheOptions, openCache } from './cache.ts';

describeEngine('dragonfly', 'distributed cache', (dragonfly) => {
  const keyPrefix = `test-${randomUUID()}`;
  const admin = new Redis(dragonfly.url, { lazyConnect: true });
  const namesOfTest = () => admin.keys(`${keyPrefix}:*`);
  const open = async (
    settings: Partial<Engines['dragonfly']> = {},
    options: Partial<CacheOptions> = {},
  ): Promise<Cache> => {
    const engines = { dragonfly: { ...dragonfly, keyPrefix, ...settings } };
    const cache = await openCache({ log: createLogger('silent'), clock: systemClock, ...options, engines });
    onTestFinished(() => cache.close());
    return cache;
  };
  const through = async () => {
    const { hostname, port } = new URL(dragonfly.url);
    const proxy = await portProxy({ host: hostname, port: Number(port) });
    const url = new URL(dragonfly.url);
    url.host = `127.0.0.1:${proxy.port}`;
    return { proxy, url: url.href };
  };
  afterAll(async () => {
    const names = await namesOfTest();
    if (names.length > 0) await admin.unlink(names);
    admin.disconnect();
  });

  cacheContract({
    name: 'contract',
    open: async (clock, spaces) => ({
      cache: await open({}, { clock, spaces }),
      reopen: () => open({}, { clock, spaces }),
      // The server's clock cannot be changed, so the test shortens the time to live of the keys. Security state uses the caller's clock.
      async passTime(milliseconds) {
        await clock.advance(milliseconds);
        for (const name of await namesOfTest()) {
          const before = await admin.pttl(name);
          if (before === -1) continue;
          const left = before - milliseconds;
          if (left > 0) await admin.pexpire(name, left);
          else await admin.unlink(name);
        }
      },
    }),
  });

  it('When a value is written, then its key has a time to live and the tenant in its name', async () => {
    const cache = await open();
    const tenant = newTenant();

    await cache.set(tenant, 'a', 'x', { ttlMs: 5000 });
    await cache.add(tenant, 'b', 'x', { ttlMs: 5000.5 });
    await cache.increment(tenant, 'c', 1, { ttlMs: 5000 });

    for (const key of ['a', 'b', 'c']) {
      const left = await admin.pttl(`${keyPrefix}:${tenant}:${key}`);
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(5001);
    }
  });

  it('When the time to live of a value ends, then the server deletes it', async () => {
    const cache = await open();
    const tenant = newTenant();

    await cache.set(tenant, 'key', 'x', { ttlMs: 50 });

    await expect.poll(() => cache.get(tenant, 'key')).toBeNull();
  });

  it('When a counter would become too large for a number, then a RangeError is thrown and the counter is unchanged', async () => {
    const cache = await open();
    const tenant = newTenant();
    await cache.increment(tenant, 'n', Number.MAX_SAFE_INTEGER, { ttlMs: 5000 });

    await expect(cache.increment(tenant, 'n', 1, { ttlMs: 5000 })).rejects.toThrow(RangeError);

    expect(await cache.increment(tenant, 'n', 0, { ttlMs: 5000 })).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('When a value is large, then it is read back unchanged', async () => {
    const cache = await open();
    const tenant = newTenant();
    const value = 'ü€😀'.repeat(500_000);

    await cache.set(tenant, 'large', value, { ttlMs: 5000 });

    expect((await cache.get(tenant, 'large')) === value).toBe(true);
  });

  it('When the server is down, then opening succeeds, calls fail quickly, and they work once it is up', async () => {
    const { proxy, url } = await through();
    await proxy.down();
    const cache = await open({ url });
    const tenant = newTenant();
    const begun = performance.now();

    await expect(cache.get(tenant, 'key')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const took = performance.now() - begun;
    await proxy.up();

    expect(took).toBeLessThan(500);
    await expect.poll(() => cache.get(tenant, 'key').catch(() => 'down'), { timeout: 10_000 }).toBeNull();
  });

  it('When the server restarts, then the cache soon works again', async () => {
    const { proxy, url } = await through();
    const cache = await open({ url });
    const tenant = newTenant();
    await cache.set(tenant, 'key', 'kept', { ttlMs: 60_000 });

    proxy.restart();

    await expect.poll(() => cache.get(tenant, 'key').catch(() => 'down'), { timeout: 10_000 }).toBe('kept');
  });

  it('When the server hangs, then a call fails after its time limit, or at once when it is aborted', async () => {
    const { proxy, url } = await through();
    const cache = await open({ url });
    const tenant = newTenant();
    proxy.hang();
    const controller = new AbortController();

    const waiting = cache.get(tenant, 'key', { signal: controller.signal });
    controller.abort(new Error('gone'));

    await expect(waiting).rejects.toThrow('gone');
    await expect(cache.get(tenant, 'key')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('When the cache is closed, then calls are refused and a second close succeeds', async () => {
    const cache = await open();

    await cache.close();
    await cache.close();

    await expect(cache.get(newTenant(), 'key')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
