import type { RuntimeContext } from '../function/context.ts';
import type { Ports } from '../ports/index.ts';
import { defaultTenant } from '../ports/tenant.ts';
import { type Counts, countsIn } from '../telemetry/summed-metrics.ts';

const key = 'metrics/counts';
/** Interval in which a process adds its counts to the sums. */
const everyMs = 10_000;
/** The cache deletes the sums if no process adds anything for this time. */
const keptMs = 30 * 24 * 3600 * 1000;

/**
 * Adds the counts of this process to sums that all processes share, and makes `metrics` report these sums. Returns a function that adds
 * the remaining counts and then stops. Does nothing in embedded mode, which has only one process, and nothing without a cache.
 *
 * [Note: Shared counters]
 * When an instance scales to zero, its counters are lost, and each of several instances knows only its own counts. So each instance adds
 * its new counts to sums in the cache, every ten seconds and when it stops. A report contains these sums plus the counts that the
 * reporting process has not added yet. A killed process loses the counts of the last ten seconds. A restarted cache loses all sums, and
 * they start again at 0 like any counter. If the response to a batch is lost, the batch is sent again with the same id, and the cache
 * accepts each id once.
 */
export function shareCounts(
  { cache }: Partial<Pick<Ports, 'cache'>>,
  { config, metrics, clock, newId, log }: RuntimeContext,
): () => Promise<void> {
  if (cache === undefined || config.mode === 'embedded') return async () => undefined;
  const instance = newId();
  let added: Counts = new Map();
  let batch: { readonly once: string; readonly deltas: Record<string, number>; readonly total: Counts } | null = null;
  let batches = 0;
  let queue: Promise<void> = Promise.resolve();

  const send = async (): Promise<void> => {
    if (batch === null) {
      const total = await countsIn(metrics.registry);
      const deltas = Object.fromEntries(
        [...total]
          .map(([series, count]) => [series, count - (added.get(series) ?? 0)] as const)
          .filter(([, by]) => by !== 0),
      );
      if (Object.keys(deltas).length === 0) return;
      batch = { once: `${instance}/${++batches}`, deltas, total };
    }
    const { once, deltas, total } = batch;
    await cache.addToSums(defaultTenant, key, deltas, { once, ttlMs: keptMs });
    added = total;
    batch = null;
  };
  const sendInOrder = (): Promise<void> => {
    queue = queue
      .then(send)
      .catch((error: unknown) => log.debug({ err: error }, 'adding the counts to the shared sums failed'));
    return queue;
  };

  metrics.sumWith(async (signal) => {
    await queue;
    const counts = new Map(Object.entries(await cache.sums(defaultTenant, key, { signal })));
    for (const [series, count] of added) counts.set(series, (counts.get(series) ?? 0) - count);
    return counts;
  });
  let cancel: () => void = () => undefined;
  const later = () => {
    cancel = clock.after(everyMs, () => void sendInOrder().then(later));
  };
  later();
  return async () => {
    cancel();
    await sendInOrder();
    // If the first call repeated an earlier batch, this call sends the counts since that batch.
    await sendInOrder();
    cancel();
  };
}
