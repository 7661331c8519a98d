import { createHash } from 'node:crypto';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { GalleryEpoch } from '../ports/records/gallery-epoch.ts';

/** How long an answer is kept when the gallery does not change; shorter than epochs are remembered. */
export const answerTtlMs = 60 * 60 * 1000;

/** A place for one answer. */
export interface Answers {
  /** null: there is none, or the cache is away. */
  kept(): Promise<string | null>;
  keep(answer: string, ttlMs: number): Promise<void>;
}

/**
 * Where the answer to what was `asked` of the gallery is kept. `gallery`: its state, taken before it is read for an answer.
 *
 * [Note: Answers die with the gallery they were given for]
 * A cached answer is found under the gallery's epoch, which every change of persons or faces raises: an answer from before is
 * never looked up again. A reader takes the epoch before it reads the gallery, so that a change in between files the answer
 * under an epoch that has passed. A search may not see the writes of the last seconds (`Vectors.lagMs`): an answer that was given
 * so soon after a change is not kept.
 *
 * The epoch is in the records, not in the cache: an erasure raises it as part of what it does, so that it is raised or the person is
 * not erased, whatever the cache, or the way to it, is doing at the time. A cache that was away and comes back with all it held, also
 * with answers about people who were erased meanwhile, has them under an epoch that nobody asks for. It costs one read, beside
 * others that are made at the same time.
 *
 * [Note: Answers without a cache]
 * With the cache away each question is answered anew: slower, and right. That it is away is counted with the calls of its port.
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
