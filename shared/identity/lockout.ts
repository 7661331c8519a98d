import { createHash } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { Cache, CacheOptions } from '../ports/cache.ts';
import type { Clock } from '../ports/clock.ts';
import { defaultTenant, type Tenant } from '../ports/tenant.ts';

/** Failures without a lock. */
const freeFailures = 4;
const longestDelayMs = 15 * 60_000;
/** The count of failures is deleted this long after the first failure. */
const memoryMs = 24 * 60 * 60_000;

/** Length of the lock after the nth failure, in milliseconds. */
export const delayAfter = (failures: number): number =>
  failures <= freeFailures ? 0 : Math.min(1000 * 2 ** (failures - freeFailures - 1), longestDelayMs);

/** Account of a login: the username as typed. */
export interface GuessedAccount {
  readonly tenant: Tenant;
  readonly username: string;
  /**
   * Whether a user with this name exists.
   *
   * [Note: Locks of invented names]
   * An unknown name is counted and locked like a known one, so that a lock does not reveal which names exist. But a stranger can invent
   * any number of names and tenants. So their counts have a separate, small space, in which the oldest entry is removed. The counts of
   * users that exist are in the space of their tenant, which strangers cannot fill.
   */
  readonly exists: boolean;
}

/**
 * Runs `attempt`, which checks a password and resolves to null when it is wrong. From the 5th failure in a row on, the account is
 * locked for 1, 2, 4 … seconds, up to 15 minutes. A success deletes the count of failures. An attempt that throws says nothing about
 * the password and is not counted.
 *
 * [Note: The lock comes first]
 * If failures were counted afterwards, a thousand guesses sent at once would all be checked. So an attempt counts as a failure from
 * its start. If it may lead to a lock, it takes the lock before it checks the password: of concurrent attempts only one continues.
 * The price: an attacker can prevent a user from logging in by failing on purpose. Existing sessions go on. Without the cache an
 * attempt cannot be counted and is refused with STORE_UNAVAILABLE, so that it is not a free guess.
 *
 * Errors: LOGIN_LOCKED (with Retry-After), LOGIN_FAILED, STORE_UNAVAILABLE.
 *
 * @example
 * const user = await tryPassword({ tenant, username, exists: true }, { cache, clock }, async () => (await isRight() ? user : null));
 */
export async function tryPassword<Result>(
  account: GuessedAccount,
  { cache, clock }: { readonly cache: Cache; readonly clock: Clock },
  attempt: () => Promise<Result | null>,
): Promise<Result> {
  const [failuresKey, lockKey] = keysOf(account);
  const tenant = account.exists ? account.tenant : defaultTenant;
  const space = { kept: account.exists ? 'login' : 'guess' } as const;
  const refuse = () => refuseLocked(tenant, lockKey, space, { cache, clock });
  await refuse();
  const count = (by: 1 | -1) => cache.increment(tenant, failuresKey, by, { ...space, ttlMs: memoryMs });

  const failures = await count(1);
  const delayMs = delayAfter(failures);
  const lock = () => cache.add(tenant, lockKey, String(clock.now() + delayMs), { ...space, ttlMs: delayMs });
  if (delayMs > 0 && !(await lock())) {
    await count(-1);
    await refuse();
    throw new AppError('LOGIN_LOCKED');
  }

  let result: Result | null;
  try {
    result = await attempt();
  } catch (error) {
    await count(-1);
    if (delayMs > 0) await cache.delete(tenant, lockKey, space);
    throw error;
  }
  if (result === null) throw new AppError('LOGIN_FAILED');
  // A correct login succeeds even if resetting the counter fails.
  await Promise.allSettled([cache.delete(tenant, failuresKey, space), cache.delete(tenant, lockKey, space)]);
  return result;
}

async function refuseLocked(
  tenant: Tenant,
  lockKey: string,
  space: CacheOptions,
  { cache, clock }: { readonly cache: Cache; readonly clock: Clock },
): Promise<void> {
  const until = await cache.get(tenant, lockKey, space);
  if (until === null) return;
  throw new AppError('LOGIN_LOCKED', { retryAfter: Math.max(1, Math.ceil((Number(until) - clock.now()) / 1000)) });
}

/** Cache keys contain a digest, because a typed username may be a password in the wrong field. */
function keysOf({ tenant, username }: Pick<GuessedAccount, 'tenant' | 'username'>): [failures: string, lock: string] {
  const digest = createHash('sha256')
    .update(`${tenant}\n${username.normalize('NFKC').toLowerCase()}`)
    .digest('hex');
  return [`login/failures/${digest}`, `login/lock/${digest}`];
}
