import RateLimiterStoreAbstract from 'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js';
import { AppError } from '../errors.ts';
import type { RuntimeContext } from '../function/context.ts';
import type { HttpManifest } from '../function/define.ts';
import type { Cache } from '../ports/cache.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ports } from '../ports/index.ts';
import { defaultTenant, type Tenant } from '../ports/tenant.ts';
import { networkOf } from './client-address.ts';
import type { HttpExchange, HttpMiddleware } from './exchange.ts';

/**
 * Rate limits by address, before the caller is known: the common limit, and the strict limit of functions that take a password.
 * Errors: RATE_LIMITED.
 *
 * @example
 * const pipeline = middy(handler).use(addressLimit(manifest, { cache }, context)).use(keyLimit({ cache }, context));
 */
export function addressLimit(
  { rateLimit, trigger: { scope } }: HttpManifest,
  { cache }: Pick<Partial<Ports>, 'cache'>,
  context: RuntimeContext,
): HttpMiddleware {
  const { address, login } = context.config.rateLimits;
  // Open functions, such as probes and pages, respond from memory and need no limit.
  const open = scope === null && rateLimit === undefined;
  const limits = open ? [] : [limitOf('address', address, cache, context)];
  if (rateLimit === 'login') limits.push(limitOf('login', login, cache, context));
  return {
    before: async function addressLimitBefore({ event }) {
      for (const limit of limits) await limit?.(event, { tenant: defaultTenant, caller: networkOf(event.address) });
    },
  };
}

/** Rate limit by authenticated caller. Errors: RATE_LIMITED. */
export function keyLimit({ cache }: Pick<Partial<Ports>, 'cache'>, context: RuntimeContext): HttpMiddleware {
  const limit = limitOf('key', context.config.rateLimits.key, cache, context);
  return {
    before: async function keyLimitBefore({ event }) {
      const { tenant, principal } = event;
      if (principal !== null) await limit?.(event, { tenant, caller: `${principal.kind}:${principal.id}` });
    },
  };
}

const windowSeconds = 60;

/**
 * [Note: Limits that fail open]
 * A limit protects the service, so a cache outage must not stop the service. A request that cannot be counted passes; the failure is
 * logged and counted (`freeface_rate_limit_failures_total`). This is not true for a space of counters that is full: then new callers are
 * refused, because a caller that can fill the space must not switch off the limit. Counters of known callers are in the space of their
 * tenant. See: [Note: Security state is not a cached value]
 *
 * [Note: Shared time windows]
 * Every window starts at a full minute of the clock, for all callers. The number of the window is part of the counter's name. So the
 * cache need not report when a counter expires, and processes agree on the window without communication. The price: a caller may use
 * two windows back to back, which is at most twice the limit within one minute.
 */
function limitOf(
  name: 'address' | 'login' | 'key',
  points: number,
  cache: Cache | undefined,
  { clock, metrics }: RuntimeContext,
): ((event: HttpExchange, caller: Caller) => Promise<void>) | undefined {
  if (points === 0 || cache === undefined) return undefined;
  const limiter = new CacheLimiter(cache, clock, name, points);
  return async (event, caller) => {
    let counted: Counted;
    try {
      counted = await limiter.consume(caller.caller, 1, { tenant: caller.tenant });
    } catch (thrown) {
      if (isCounted(thrown)) counted = thrown;
      else if (thrown instanceof AppError && thrown.code === 'RATE_LIMITED') throw thrown;
      else {
        metrics.rateLimitFailures.inc({ limit: name });
        event.log.warn({ err: thrown, limit: name }, 'cannot count the request for the rate limit; the request passes');
        return;
      }
    }
    const { consumedPoints, msBeforeNext } = counted;
    const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
    setLimitHeaders(event.responseHeaders, { points, remaining: Math.max(0, points - consumedPoints), seconds });
    if (consumedPoints <= points) return;
    metrics.rateLimited.inc({ limit: name });
    throw new AppError('RATE_LIMITED', {
      details: { limit: points, window_seconds: windowSeconds },
      retryAfter: seconds,
    });
  };
}

interface Caller {
  /** Owner of the counter. */
  readonly tenant: Tenant;
  readonly caller: string;
}

/** Of several limits, the headers show the one with the fewest requests left; the policy lists all. */
function setLimitHeaders(
  headers: Record<string, string>,
  { points, remaining, seconds }: { points: number; remaining: number; seconds: number },
): void {
  const policy = `${points};w=${windowSeconds}`;
  const earlier = headers['ratelimit-policy'];
  headers['ratelimit-policy'] = earlier === undefined ? policy : `${earlier}, ${policy}`;
  if (earlier !== undefined && Number(headers['ratelimit-remaining']) <= remaining) return;
  headers['ratelimit-limit'] = String(points);
  headers['ratelimit-remaining'] = String(remaining);
  headers['ratelimit-reset'] = String(seconds);
}

/** The library's state of a counter: returned within the limit, thrown beyond it. */
interface Counted {
  readonly consumedPoints: number;
  readonly msBeforeNext: number;
  readonly remainingPoints: number;
}

const isCounted = (thrown: unknown): thrown is Counted =>
  typeof thrown === 'object' && thrown !== null && 'msBeforeNext' in thrown && !(thrown instanceof Error);

/** The library's limiter with the cache port as its store. */
class CacheLimiter extends RateLimiterStoreAbstract {
  readonly #cache: Cache;
  readonly #clock: Clock;
  readonly #kept: 'address' | 'caller';

  constructor(cache: Cache, clock: Clock, name: 'address' | 'login' | 'key', points: number) {
    super({ points, duration: windowSeconds, keyPrefix: `rate:${name}` });
    this.#cache = cache;
    this.#clock = clock;
    this.#kept = name === 'key' ? 'caller' : 'address';
  }

  async _upsert(
    key: string,
    points: number,
    windowMs: number,
    _forceExpire: boolean,
    { tenant }: Pick<Caller, 'tenant'>,
  ): Promise<Upserted> {
    const now = this.#clock.now();
    const window = Math.floor(now / windowMs);
    const options = { ttlMs: windowMs, kept: this.#kept };
    const consumed = await this.#cache.increment(tenant, `${key}:${window}`, points, options);
    return { consumed, msBeforeNext: (window + 1) * windowMs - now };
  }

  _getRateLimiterRes(_key: string, _points: number, { consumed, msBeforeNext }: Upserted): Counted {
    return { consumedPoints: consumed, msBeforeNext, remainingPoints: Math.max(0, this.points - consumed) };
  }
}

interface Upserted {
  readonly consumed: number;
  readonly msBeforeNext: number;
}
