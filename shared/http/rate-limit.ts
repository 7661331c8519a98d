import RateLimiterStoreAbstract from 'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js';
import { AppError } from '../errors.ts';
import type { RuntimeContext } from '../function/context.ts';
import type { HttpManifest } from '../function/define.ts';
import type { Cache } from '../ports/cache.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ports } from '../ports/index.ts';
import { defaultTenant } from '../ports/tenant.ts';
import { networkOf } from './client-address.ts';
import type { HttpExchange, HttpMiddleware } from './exchange.ts';

/** Limits by address, before it is known who calls: the common one, and the strict one of functions that take a password. */
export function addressLimit(
  { rateLimit, trigger: { scope } }: HttpManifest,
  { cache }: Pick<Partial<Ports>, 'cache'>,
  context: RuntimeContext,
): HttpMiddleware {
  const { address, login } = context.config.rateLimits;
  // Probes and pages that need nobody's word are answered from memory.
  const open = scope === null && rateLimit === undefined;
  const limits = open ? [] : [limitOf('address', address, cache, context)];
  if (rateLimit === 'login') limits.push(limitOf('login', login, cache, context));
  return {
    before: async function addressLimitBefore({ event }) {
      for (const limit of limits) await limit?.(event, networkOf(event.address));
    },
  };
}

/** Limits by whoever is known to call. */
export function keyLimit({ cache }: Pick<Partial<Ports>, 'cache'>, context: RuntimeContext): HttpMiddleware {
  const limit = limitOf('key', context.config.rateLimits.key, cache, context);
  return {
    before: async function keyLimitBefore({ event }) {
      const { tenant, principal } = event;
      if (principal !== null) await limit?.(event, `${tenant}:${principal.kind}:${principal.id}`);
    },
  };
}

const windowSeconds = 60;

/**
 * [Note: Limits that fail open]
 * A limit protects the service; a cache that is away must not close it. So a count that cannot be made lets the request pass, and
 * is logged and counted (`freeface_rate_limit_failures_total`).
 *
 * [Note: Windows that all share]
 * Windows begin with the minute by the clock, for everybody: the number of the window is part of the counter's name, so that the
 * cache need not tell when a counter ends, and processes agree on it without a word. In return a caller may spend two windows
 * back to back: at most twice the limit within one minute.
 */
function limitOf(
  name: 'address' | 'login' | 'key',
  points: number,
  cache: Cache | undefined,
  { clock, metrics }: RuntimeContext,
): ((event: HttpExchange, who: string) => Promise<void>) | undefined {
  if (points === 0 || cache === undefined) return undefined;
  const limiter = new CacheLimiter(cache, clock, name, points);
  return async (event, who) => {
    let counted: Counted;
    try {
      counted = await limiter.consume(who);
    } catch (thrown) {
      if (isCounted(thrown)) counted = thrown;
      else {
        metrics.rateLimitFailures.inc({ limit: name });
        event.log.warn({ err: thrown, limit: name }, 'the rate limit could not be counted');
        return;
      }
    }
    const { consumedPoints, msBeforeNext } = counted;
    const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
    tell(event.answerHeaders, { points, remaining: Math.max(0, points - consumedPoints), seconds });
    if (consumedPoints <= points) return;
    metrics.rateLimited.inc({ limit: name });
    throw new AppError('RATE_LIMITED', {
      details: { limit: points, window_seconds: windowSeconds },
      retryAfter: seconds,
    });
  };
}

/** Of several limits the one that ends first is told; the policy lists all. */
function tell(
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

/** What the library tells of a counter: as the outcome within the limit, thrown beyond it. */
interface Counted {
  readonly consumedPoints: number;
  readonly msBeforeNext: number;
  readonly remainingPoints: number;
}

const isCounted = (thrown: unknown): thrown is Counted =>
  typeof thrown === 'object' && thrown !== null && 'msBeforeNext' in thrown && !(thrown instanceof Error);

/** The library's limiter on the cache port. */
class CacheLimiter extends RateLimiterStoreAbstract {
  readonly #cache: Cache;
  readonly #clock: Clock;

  constructor(cache: Cache, clock: Clock, name: string, points: number) {
    super({ points, duration: windowSeconds, keyPrefix: `rate:${name}` });
    this.#cache = cache;
    this.#clock = clock;
  }

  async _upsert(key: string, points: number, windowMs: number): Promise<Upserted> {
    const now = this.#clock.now();
    const window = Math.floor(now / windowMs);
    const consumed = await this.#cache.increment(defaultTenant, `${key}:${window}`, points, { ttlMs: windowMs });
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
