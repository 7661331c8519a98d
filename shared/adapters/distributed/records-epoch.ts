import { createHash, randomUUID } from 'node:crypto';
import type { GalleryEpoch } from '../../ports/records/gallery-epoch.ts';
import type { Bound, Scylla } from './scylla/client.ts';

/** Seconds that a change is stored: longer than any result is cached. */
const keptSeconds = 7200;
/** Id of this process. Its own writes are in order, whatever the clocks of other processes say. */
const writer = randomUUID();

/**
 * Records that the gallery has changed at `now`, in milliseconds since the epoch. Write it with the change or after it.
 *
 * [Note: An epoch without a common clock]
 * Of two writes of one row, the one with the later time wins, and the clocks of processes differ. So a change could be lost behind an
 * earlier write of a process whose clock is ahead. Therefore each process writes its own row, and the epoch is the hash of all rows of a
 * tenant. A row expires after two hours. Then the epoch changes, possibly to the value from before that row; by then no result with
 * that value is cached.
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
