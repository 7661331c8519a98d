import { AppError } from '../errors.ts';
import type { Cache } from '../ports/cache.ts';
import { defaultTenant } from '../ports/tenant.ts';
import { networkOf } from './client-address.ts';
import type { HttpExchange } from './exchange.ts';

/** Refusals in one minute that are written one by one: those of one caller, and those of all unknown callers together. */
const limitOfCaller = 30;
const limitOfUnknown = 600;
const minuteMs = 60_000;

/**
 * Decides whether a response goes to the audit log. null: write it. A number: write it together with this count of the caller's
 * refusals in this minute, because some of them are skipped. 'skip': do not write it.
 */
export type FloodGate = (event: HttpExchange, status: number) => Promise<number | null | 'skip'>;

/**
 * [Note: Refusals cannot flood the log]
 * An unknown caller, or a caller over the rate limit, can send any number of requests. An entry for each would let strangers fill
 * the disk. So the audit log keeps the first 30 refusals of one caller in a minute, and then only the 60th, 120th, 240th …, each with
 * the count so far. An unknown caller is identified by the address, an IPv6 address by its /64 network. The same rule, with 600
 * instead of 30, applies to all unknown callers together. Metrics and log lines still contain the skipped refusals. Without a cache
 * there is no count, and every refusal is written. If the space of the counters is full, refusals of new callers are skipped.
 */
export function createFloodGate(cache: Cache | undefined): FloodGate {
  const countOf = ({ principal, tenant, clock }: HttpExchange, caller: string): Promise<number> =>
    cache!.increment(
      principal === null ? defaultTenant : tenant,
      `audit/refusals/${caller}/${Math.floor(clock.now() / minuteMs)}`,
      1,
      { ttlMs: minuteMs, kept: principal === null ? 'address' : 'caller' },
    );
  return async (event, status) => {
    const { principal, address } = event;
    const unknown = principal === null && status >= 400;
    if (cache === undefined || !(unknown || status === 429)) return null;
    try {
      const caller = principal === null ? networkOf(address) : `${principal.kind}:${principal.id}`;
      const own = await countOf(event, caller);
      if (!isWritten(own, limitOfCaller)) return 'skip';
      if (unknown && !isWritten(await countOf(event, 'all'), limitOfUnknown)) return 'skip';
      return own > limitOfCaller ? own : null;
    } catch (error) {
      if (error instanceof AppError && error.code === 'RATE_LIMITED') return 'skip';
      event.log.warn({ err: error }, 'cannot count refusals in the cache; every refusal is written');
      return null;
    }
  };
}

/** True up to the limit, then each time the count has doubled. */
const isWritten = (count: number, limit: number): boolean =>
  count <= limit || Number.isInteger(Math.log2(count / limit));
