import type { RuntimeContext } from '../function/context.ts';
import type { Ports } from '../ports/index.ts';
import { defaultTenant } from '../ports/tenant.ts';
import { type Counts, countsIn } from '../telemetry/summed-metrics.ts';

const key = 'metrics/counts';
/** How often what was counted is added to the sums. */
const everyMs = 10_000;
/** Sums are forgotten when nothing was counted for so long. */
const keptMs = 30 * 24 * 3600 * 1000;

/**
 * Adds what this process counts to the sums that all processes share, and has `metrics` tell those. Resolves to what stops it, which
 * adds what is left. Of the one process of embedded mode there is nothing to share, and nowhere without a cache.
 *
 * [Note: Counts that outlive their instance]
 * An instance that scales to zero takes its counters along, and one of several knows its own alone. So each adds what it has counted
 * since the last time to sums in the cache, every ten seconds and when it is asked to stop; what is told is these sums and what the
 * asked process has not added yet. A process that is killed loses the counts of ten seconds, a cache that is restarted all of them, as
 * any counter begins again at 0. A lot whose answer was lost is sent again under the same name, and the cache takes a name once.
 */
export function shareCounts(
  { cache }: Partial<Pick<Ports, 'cache'>>,
  { config, metrics, clock, newId, log }: RuntimeContext,
): () => Promise<void> {
  if (cache === undefined || config.mode === 'embedded') return async () => undefined;
  const instance = newId();
  let added: Counts = new Map();
  let lot: { readonly once: string; readonly deltas: Record<string, number>; readonly then: Counts } | null = null;
  let lots = 0;
  let turn: Promise<void> = Promise.resolve();

  const send = async (): Promise<void> => {
    if (lot === null) {
      const then = await countsIn(metrics.registry);
      const deltas = Object.fromEntries(
        [...then]
          .map(([series, count]) => [series, count - (added.get(series) ?? 0)] as const)
          .filter(([, by]) => by !== 0),
      );
      if (Object.keys(deltas).length === 0) return;
      lot = { once: `${instance}/${++lots}`, deltas, then };
    }
    const { once, deltas, then } = lot;
    await cache.addToSums(defaultTenant, key, deltas, { once, ttlMs: keptMs });
    added = then;
    lot = null;
  };
  const inTurn = (): Promise<void> => {
    turn = turn.then(send).catch((error: unknown) => log.debug({ err: error }, 'counts could not be added'));
    return turn;
  };

  metrics.sumWith(async (signal) => {
    await turn;
    const counts = new Map(Object.entries(await cache.sums(defaultTenant, key, { signal })));
    for (const [series, count] of added) counts.set(series, (counts.get(series) ?? 0) - count);
    return counts;
  });
  let cancel: () => void = () => undefined;
  const later = () => {
    cancel = clock.after(everyMs, () => void inTurn().then(later));
  };
  later();
  return async () => {
    cancel();
    await inTurn();
    // What was counted since an earlier lot that had to be sent again.
    await inTurn();
    cancel();
  };
}
