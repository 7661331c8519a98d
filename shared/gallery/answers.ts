import { createHash } from 'node:crypto';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { GalleryEpoch } from '../ports/records/gallery-epoch.ts';

/** Milliseconds that an answer is cached while the gallery does not change. Must be less than the 2 hours that an epoch is stored. */
export const answerTtlMs = 60 * 60 * 1000;

/** The cache entry of one answer. */
export interface Answers {
  /** null: no answer is cached, or the cache is unavailable. */
  kept(): Promise<string | null>;
  keep(answer: string, ttlMs: number): Promise<void>;
}

/**
 * The cache entry for the answer to a question about the gallery.
 *
 * @param asked the question; any JSON value
 * @param epoch the state of the gallery; read it before reading the gallery for the answer
 *
 * [Note: Answers expire with the gallery's epoch]
 * The key of a cached answer contains the gallery's epoch. Every change of persons or faces raises the epoch, so an old answer is
 * never read again. The caller reads the epoch before it reads the gallery. If the gallery changes in between, the answer is stored
 * under the old epoch. A search may miss the writes of the last seconds (`Vectors.lagMs`), so an answer this soon after a change is
 * not cached.
 *
 * The epoch is in the records, not in the cache. An erasure raises the epoch in its own write: both happen, or neither, whatever the
 * state of the cache. A cache may come back after an outage with old entries, including answers about erased persons. These entries
 * have an old epoch, so no request reads them. The epoch costs one read, which runs in parallel with other reads.
 *
 * [Note: Answers without a cache]
 * Without the cache every answer is computed again: slower, but correct. The metrics of the cache port count the failed calls.
 */
export function answersTo(
  asked: readonly unknown[],
  { epoch, changedAt }: GalleryEpoch,
  { tenant, clock, signal, log }: CallContext,
  { cache, vectors }: Pick<Ports, 'cache' | 'vectors'>,
): Answers {
  const isSettled = changedAt === null || vectors.lagMs === 0 || clock.now() - changedAt > vectors.lagMs;
  const digest = createHash('sha256').update(JSON.stringify(asked)).digest('base64url');
  const key = `answer/${epoch}/${digest}`;
  const without = (error: unknown) => {
    signal.throwIfAborted();
    log.debug({ err: error }, 'answered without the cache');
    return null;
  };
  return {
    kept: () => cache.get(tenant, key, { signal }).catch(without),
    async keep(answer, ttlMs) {
      if (ttlMs > 0 && isSettled) await cache.set(tenant, key, answer, { ttlMs, signal }).catch(without);
    },
  };
}
