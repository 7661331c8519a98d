import { createHash, randomUUID } from 'node:crypto';
import type { Cache } from '../ports/cache.ts';
import type { CallOptions, Tenant } from '../ports/tenant.ts';

const epochKey = 'gallery/epoch';
const day = 24 * 60 * 60 * 1000;

/**
 * [Note: Answers die with the gallery they were given for]
 * A cached answer is found under the gallery's epoch, which every change of persons or faces raises: an answer from before is
 * never looked up again. A reader takes the epoch before it reads the gallery, so that a change in between files the answer
 * under an epoch that has passed.
 * An epoch is a random name, not a number: a counter that expired or was evicted would count through the same numbers again.
 */
export async function galleryEpoch(cache: Cache, tenant: Tenant, options: CallOptions): Promise<string> {
  const known = await cache.get(tenant, epochKey, options);
  if (known !== null) return known;
  await cache.add(tenant, epochKey, randomUUID(), { ...options, ttlMs: day });
  return (await cache.get(tenant, epochKey, options)) ?? randomUUID();
}

/** Called after every change that can alter an answer; takes no signal, since what was changed stays changed when a caller leaves. */
export async function raiseEpoch(cache: Cache, tenant: Tenant): Promise<void> {
  await cache.set(tenant, epochKey, randomUUID(), { ttlMs: day });
}

/** Key of an answer: what was asked (`parts`) of which gallery. */
export const answerKey = (kind: string, epoch: string, parts: readonly unknown[]): string =>
  `answer/${kind}/${epoch}/${createHash('sha256').update(JSON.stringify(parts)).digest('base64url')}`;

/** How long an answer is kept when the gallery does not change; shorter than an epoch lives. */
export const answerTtlMs = 60 * 60 * 1000;
