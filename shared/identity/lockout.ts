import { createHash } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { Cache } from '../ports/cache.ts';
import type { Clock } from '../ports/clock.ts';
import type { Tenant } from '../ports/tenant.ts';

/** Failures that cost nothing but time. */
const freeFailures = 4;
const longestDelayMs = 15 * 60_000;
/** Failures are forgotten this long after the first. */
const memoryMs = 24 * 60 * 60_000;

/** Milliseconds to wait after the nth failure. */
export const delayAfter = (failures: number): number =>
  failures <= freeFailures ? 0 : Math.min(1000 * 2 ** (failures - freeFailures - 1), longestDelayMs);

/** Whose secret is guessed at: the name that was typed, whether or not anybody has it. */
export interface GuessedAccount {
  readonly tenant: Tenant;
  readonly username: string;
}

/**
 * Lets `attempt` try a password; it resolves to null when that was wrong. From the 5th failure in a row on the account is locked for
 * 1, 2, 4 … seconds, up to 15 minutes. A success forgets the failures; an attempt that throws tells nothing of the password and does
 * not count.
 *
 * [Note: The lock comes first]
 * Counting after the fact would let a thousand guesses pass that are sent at once. So an attempt counts as failed from its
 * start, and when it might lead to a lock it takes the lock before it tries: of those that come together one goes on.
 * The price is that somebody can keep another out of logging in by failing on purpose; who is logged in stays so.
 * An attempt that cannot be counted, since the cache is away, is not made: it is STORE_UNAVAILABLE, not a free guess.
 *
 * Errors: LOGIN_LOCKED (with Retry-After), LOGIN_FAILED, STORE_UNAVAILABLE.
 */
export async function tryPassword<Result>(
  account: GuessedAccount,
  { cache, clock }: { readonly cache: Cache; readonly clock: Clock },
  attempt: () => Promise<Result | null>,
): Promise<Result> {
  const { tenant } = account;
  const [failuresKey, lockKey] = keysOf(account);
  await refuseLocked(tenant, lockKey, cache, clock);
  const count = (by: 1 | -1) => cache.increment(tenant, failuresKey, by, { ttlMs: memoryMs });

  const failures = await count(1);
  const delayMs = delayAfter(failures);
  if (delayMs > 0 && !(await cache.add(tenant, lockKey, String(clock.now() + delayMs), { ttlMs: delayMs }))) {
    await count(-1);
    await refuseLocked(tenant, lockKey, cache, clock);
    throw new AppError('LOGIN_LOCKED');
  }

  let result: Result | null;
  try {
    result = await attempt();
  } catch (error) {
    await count(-1);
    if (delayMs > 0) await cache.delete(tenant, lockKey);
    throw error;
  }
  if (result === null) throw new AppError('LOGIN_FAILED');
  // Who has proved who they are is not refused because it cannot be forgotten how often they failed before.
  await Promise.allSettled([cache.delete(tenant, failuresKey), cache.delete(tenant, lockKey)]);
  return result;
}

async function refuseLocked(tenant: Tenant, lockKey: string, cache: Cache, clock: Clock): Promise<void> {
  const until = await cache.get(tenant, lockKey);
  if (until === null) return;
  throw new AppError('LOGIN_LOCKED', { retryAfter: Math.max(1, Math.ceil((Number(until) - clock.now()) / 1000)) });
}

/** Digests: a name that was typed may be anything, also a password in the wrong field. */
function keysOf({ tenant, username }: GuessedAccount): [failures: string, lock: string] {
  const digest = createHash('sha256')
    .update(`${tenant}\n${username.normalize('NFKC').toLowerCase()}`)
    .digest('hex');
  return [`login/failures/${digest}`, `login/lock/${digest}`];
}
