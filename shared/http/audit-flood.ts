import type { Cache } from '../ports/cache.ts';
import { defaultTenant } from '../ports/tenant.ts';
import { networkOf } from './client-address.ts';
import type { HttpExchange } from './exchange.ts';

/** Refusals of one caller, and of all unknown ones together, that are written down one by one in a minute. */
const eachCaller = 30;
const allUnknown = 600;
const minuteMs = 60_000;

/**
 * null: an answer to be written down as any other. A number: a refusal to be written down, the so-and-so-manieth of its caller in
 * this minute, more than which are left out from here on. 'left out': nothing is written.
 */
export type FloodGate = (event: HttpExchange, status: number) => Promise<number | null | 'left out'>;

/**
 * [Note: Refusals cannot flood the log]
 * Who is unknown, or over the rate limit, is answered as often as they ask, and an entry for each would let strangers fill the
 * disk. So of one caller (for unknown ones the address, an IPv6 one by its /64) the first 30 refusals of a minute are written, and
 * then only the 60th, 120th, 240th …, each with the count so far; the same for all unknown callers together from 600 on. What is
 * left out is in the metrics and in the log lines. Without a cache to count in, everything is written.
 */
export function createFloodGate(cache: Cache | undefined): FloodGate {
  const countOf = (event: HttpExchange, who: string): Promise<number> =>
    cache!.increment(defaultTenant, `audit/refusals/${who}/${Math.floor(event.clock.now() / minuteMs)}`, 1, {
      ttlMs: minuteMs,
    });
  return async (event, status) => {
    const { principal, tenant, address } = event;
    const unknown = principal === null && status >= 400;
    if (cache === undefined || !(unknown || status === 429)) return null;
    try {
      const who = principal === null ? networkOf(address) : `${tenant}:${principal.kind}:${principal.id}`;
      const own = await countOf(event, who);
      if (!isWritten(own, eachCaller)) return 'left out';
      if (unknown && !isWritten(await countOf(event, 'all'), allUnknown)) return 'left out';
      return own > eachCaller ? own : null;
    } catch (error) {
      event.log.warn({ err: error }, 'refusals could not be counted');
      return null;
    }
  };
}

/** Up to the limit, and then each time the count has doubled. */
const isWritten = (count: number, limit: number): boolean =>
  count <= limit || Number.isInteger(Math.log2(count / limit));
