import { createHash, randomUUID } from 'node:crypto';
import type { GalleryEpoch } from '../../ports/records/gallery-epoch.ts';
import type { Bound, Scylla } from './scylla/client.ts';

/** Seconds that a change is remembered: longer than any answer is kept. */
const keptSeconds = 7200;
/** This process. Of its own rows the later is the newer, whatever other processes' clocks say. */
const writer = randomUUID();

/**
 * Says that what can be recognised has changed, `now`, in milliseconds since the epoch; part of the change, or what follows it.
 *
 * [Note: An epoch without a clock that all share]
 * Of two writes of one row the one with the greater time stays, and processes' clocks differ: a change could vanish behind the
 * earlier one of a process whose clock is ahead. So each process has a row of its own, and the epoch is all rows of a tenant
 * together. A row goes after two hours; the epoch is another one then, and may be one that was before that row came, of which
 * no answer is kept any more.
 */
export const raiseOf = (tenant: string, now: number): Bound => [
  'gallery_epochs:put',
  [tenant, writer, `${now}/${randomUUID()}`, keptSeconds],
];

/** See `Records.galleryEpoch`. */
export async function galleryEpoch(scylla: Scylla, tenant: string): Promise<GalleryEpoch> {
  const rows = await scylla.rows('gallery_epochs:all', [tenant]);
  const stamps = rows.map(({ stamp }) => stamp as string).sort();
  return {
    epoch: createHash('sha256').update(stamps.join('\n')).digest('base64url'),
    changedAt: stamps.length === 0 ? null : Math.max(...stamps.map((stamp) => Number(stamp.split('/')[0]))),
  };
}
