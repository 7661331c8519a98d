import { describe, expect, it, onTestFinished } from 'vitest';
import { openCache } from '../adapters/embedded/cache.ts';
import { kept } from '../domain/tuning.ts';
import type { Cache } from '../ports/cache.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { newTenant } from '../testing/record-factories.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { delayAfter, tryPassword } from './lockout.ts';

async function setUp() {
  const clock = fakeClock();
  const spaces = { ...kept, guess: { ...kept.guess, mostEntries: 1000 } };
  const cache = await openCache({ dataDir: temporaryFolder(), clock, spaces });
  onTestFinished(() => cache.close());
  const account = { tenant: newTenant(), username: 'ada', exists: true };
  let tried = 0;
  /** Tries a password and returns the result or the error code. */
  const attempt = (right: boolean, tested = account) =>
    tryPassword(tested, { cache, clock }, async () => {
      tried++;
      return right ? 'in' : null;
    }).catch((error) => (error.code === 'LOGIN_LOCKED' ? `locked ${error.retryAfter}` : error.code));
  const fail = async (times: number) => {
    const outcomes = [];
    for (let i = 0; i < times; i++) outcomes.push(await attempt(false));
    return outcomes;
  };
  return { clock, cache, account, attempt, fail, tried: () => tried };
}

describe('the lockout', () => {
  it('When passwords fail, then from the 5th failure on the wait doubles each time, up to 15 minutes', () => {
    const seconds = [1, 4, 5, 6, 7, 8, 14, 15, 50, 5000].map((failures) => delayAfter(failures) / 1000);

    expect(seconds).toEqual([0, 0, 1, 2, 4, 8, 512, 900, 900, 900]);
  });

  it('When an account is locked, then even the right password is not checked until the lock ends', async () => {
    const { clock, attempt, fail, tried } = await setUp();

    const failures = await fail(6);

    expect(failures).toEqual([...Array.from({ length: 5 }, () => 'LOGIN_FAILED'), 'locked 1']);
    expect(await attempt(true)).toBe('locked 1');
    expect(tried()).toBe(5);
    await clock.advance(1000);
    expect(await fail(2)).toEqual(['LOGIN_FAILED', 'locked 2']);
    await clock.advance(1999);
    expect(await attempt(true)).toBe('locked 1');
    await clock.advance(1);
    expect(await attempt(true)).toBe('in');
  });

  it('When a password is right, then the count of failures starts again at 0', async () => {
    const { clock, attempt, fail } = await setUp();
    await fail(5);
    await clock.advance(1000);

    await attempt(true);

    expect(await fail(6)).toEqual([...Array.from({ length: 5 }, () => 'LOGIN_FAILED'), 'locked 1']);
  });

  it('When a day has passed since the first failure, then the count starts again at 0', async () => {
    const { clock, fail } = await setUp();
    await fail(4);

    await clock.advance(24 * 60 * 60_000);

    expect(await fail(5)).toEqual(Array.from({ length: 5 }, () => 'LOGIN_FAILED'));
  });

  it('When a thousand passwords are tried at once, then only as many are checked as one by one', async () => {
    const { attempt, tried } = await setUp();

    const outcomes = await Promise.all(Array.from({ length: 1000 }, () => attempt(false)));

    expect(tried()).toBe(5);
    expect(outcomes.filter((outcome) => outcome === 'locked 1')).toHaveLength(995);
  });

  it('When an account is locked, then its name in upper case is locked too, and other accounts are not', async () => {
    const { account, attempt, fail } = await setUp();
    await fail(5);

    expect(await attempt(true, { ...account, username: 'ADA' })).toBe('locked 1');
    expect(await attempt(true, { ...account, username: 'bea' })).toBe('in');
    expect(await attempt(true, { ...account, tenant: newTenant() })).toBe('in');
  });

  it('When the cache is opened again, then a locked account is still locked', async () => {
    const clock = fakeClock();
    const dataDir = temporaryFolder();
    const first = await openCache({ dataDir, clock });
    const account = { tenant: newTenant(), username: 'ada', exists: true };
    const fail = (cache: Cache) =>
      tryPassword(account, { cache, clock }, async () => null).catch((error) => error.code);
    for (let i = 0; i < 5; i++) await fail(first);
    await first.close();

    const second = await openCache({ dataDir, clock });
    onTestFinished(() => second.close());

    expect(await fail(second)).toBe('LOGIN_LOCKED');
    await clock.advance(1000);
    expect([await fail(second), await fail(second)]).toEqual(['LOGIN_FAILED', 'LOGIN_LOCKED']);
  });

  it('When strangers guess thousands of invented names and tenants, then the count of a real user stays', async () => {
    const { account, cache, clock, attempt, fail } = await setUp();
    await fail(5);

    const names = Array.from({ length: 3000 }, (_, i) => ({ tenant: newTenant(), username: `x${i}`, exists: false }));
    await Promise.all(
      [...names, ...names.map((name) => ({ ...name, tenant: account.tenant }))].map((name) => attempt(false, name)),
    );
    for (let i = 0; i < 100; i++) await cache.set(account.tenant, `k${i}`, 'x'.repeat(2 ** 20), { ttlMs: 60_000 });

    expect(await attempt(true)).toBe('locked 1');
    await clock.advance(1000);
    expect(await fail(2)).toEqual(['LOGIN_FAILED', 'locked 2']);
  });

  it('When a name does not exist, then it is locked like a name that exists', async () => {
    const { account, attempt } = await setUp();
    const invented = { ...account, exists: false };

    const outcomes = [];
    for (let i = 0; i < 6; i++) outcomes.push(await attempt(false, invented));

    expect(outcomes.at(-1)).toBe('locked 1');
  });

  it('When an attempt throws, then it is not counted and locks no account', async () => {
    const { account, cache, clock, attempt, fail } = await setUp();
    await fail(4);

    for (let i = 0; i < 5; i++) {
      const broken = tryPassword(account, { cache, clock }, async () => {
        throw new Error('the store is down');
      });
      await expect(broken).rejects.toThrow('the store is down');
    }

    expect(await attempt(true)).toBe('in');
  });
});
