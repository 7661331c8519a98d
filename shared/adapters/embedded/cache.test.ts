import { expect, it, onTestFinished } from 'vitest';
import { cacheContract } from '../../ports/cache.contract.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { newTenant } from '../../testing/record-factories.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openCache } from './cache.ts';

cacheContract({
  name: 'embedded cache',
  open: async (clock, spaces) => {
    const options = { dataDir: temporaryFolder(), clock, spaces, maxBytes: 1_000_000 };
    let cache = await openCache(options);
    onTestFinished(() => cache.close());
    return {
      cache,
      passTime: (milliseconds) => clock.advance(milliseconds),
      async reopen() {
        await cache.close();
        cache = await openCache(options);
        return cache;
      },
    };
  },
});

it('When the values exceed the limit, then the least recently used value is deleted', async () => {
  const cache = await openCache({ dataDir: temporaryFolder(), clock: fakeClock(), maxBytes: 25_000 });
  const tenant = newTenant();
  const value = 'x'.repeat(1000);

  for (let i = 0; i < 10; i++) {
    await cache.set(tenant, `key${i}`, value, { ttlMs: 1000 });
    await cache.get(tenant, 'key0');
  }
  await cache.set(tenant, 'new', value, { ttlMs: 1000 });

  expect(await cache.get(tenant, 'key0')).toBe(value);
  expect(await cache.get(tenant, 'key1')).toBeNull();
  expect(await cache.get(tenant, 'new')).toBe(value);
});

it('When one value is bigger than the limit, then it is not stored and the others stay', async () => {
  const cache = await openCache({ dataDir: temporaryFolder(), clock: fakeClock(), maxBytes: 10_000 });
  const tenant = newTenant();
  await cache.set(tenant, 'small', 'x', { ttlMs: 1000 });

  await cache.set(tenant, 'big', 'x'.repeat(10_000), { ttlMs: 1000 });

  expect(await cache.get(tenant, 'big')).toBeNull();
  expect(await cache.get(tenant, 'small')).toBe('x');
});
