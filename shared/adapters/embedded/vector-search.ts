import type { SearchOptions, VectorHit } from '../../ports/vectors.ts';
import { type BestHits, createBestHits } from './best-hits.ts';
import { slotFilter } from './vector-filter.ts';
import { blockRows, type Gallery } from './vector-gallery.ts';
import { cosineOfRow, cosinesOfRows } from './vector-kernel.ts';

/** Longest stretch of scanning in milliseconds before other work of the process gets a turn. */
const stretchMs = 6;

/** The exact answer: every row that meets the filter is compared with the probe. */
export async function searchExactly(
  gallery: Gallery,
  probe: Float32Array,
  options: SearchOptions,
): Promise<VectorHit[]> {
  const best = createBestHits(options.limit, lowestCosine(options));
  const padded = padProbe(probe, gallery.stride);
  const matches = slotFilter(gallery, options.filter);
  const personIds = options.filter?.personIds;
  if (personIds === undefined) await scanAll(gallery, padded, matches, best, options.signal);
  else await scanSlots(gallery, padded, slotsOfPersons(gallery, personIds), matches, best, options.signal);
  return hitsOf(gallery, best);
}

/** Compares every row, block by block. */
async function scanAll(
  gallery: Gallery,
  probe: Float32Array,
  matches: (slot: number) => boolean,
  best: BestHits,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { blocks, stride, columns } = gallery;
  // Of its own: other searches run between two blocks.
  const cosines = new Float64Array(blockRows);
  const breathe = createBreather(signal);
  for (let block = 0; block < blocks.length; block++) {
    const first = block * blockRows;
    const count = Math.min(blockRows, gallery.slots - first);
    cosinesOfRows(blocks[block]!, probe, stride, count, cosines);
    for (let row = 0; row < count; row++) {
      const cosine = cosines[row]!;
      if (cosine < best.bar) continue;
      const slot = first + row;
      if (matches(slot)) best.offer({ slot, faceId: columns.faceId[slot]!, cosine });
    }
    if (breathe.isDue()) await breathe.turn();
  }
}

/** Compares the rows of `slots` alone. */
export async function scanSlots(
  gallery: Gallery,
  probe: Float32Array,
  slots: readonly number[],
  matches: (slot: number) => boolean,
  best: BestHits,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { blocks, stride, columns } = gallery;
  const breathe = createBreather(signal);
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i]!;
    if (matches(slot)) {
      const rows = blocks[Math.floor(slot / blockRows)]!;
      const cosine = cosineOfRow(rows, (slot % blockRows) * stride, probe, stride);
      best.offer({ slot, faceId: columns.faceId[slot]!, cosine });
    }
    if (i % 512 === 511 && breathe.isDue()) await breathe.turn();
  }
}

/** As the port gives them out; faces that were removed while the search ran are left out. */
export function hitsOf(gallery: Gallery, best: BestHits): VectorHit[] {
  const { columns } = gallery;
  return best
    .sorted()
    .filter(({ slot, faceId }) => columns.faceId[slot] === faceId)
    .map(({ slot, faceId, cosine }) => ({
      faceId,
      personId: columns.personId[slot]!,
      imageId: columns.imageId[slot]!,
      cosine: Math.max(-1, Math.min(1, cosine)),
    }));
}

/** Rounding can bring the cosine of opposite vectors a little below -1. */
export const lowestCosine = ({ minCosine = -1 }: SearchOptions): number =>
  minCosine <= -1 ? Number.NEGATIVE_INFINITY : minCosine;

export function padProbe(probe: Float32Array, stride: number): Float32Array {
  if (probe.length === stride) return probe;
  const padded = new Float32Array(stride);
  padded.set(probe);
  return padded;
}

function slotsOfPersons(gallery: Gallery, personIds: readonly string[]): number[] {
  const slots: number[] = [];
  for (const personId of new Set(personIds)) slots.push(...gallery.slotsOfPerson(personId));
  return slots;
}

function createBreather(signal: AbortSignal | undefined) {
  signal?.throwIfAborted();
  let since = performance.now();
  return {
    isDue: () => performance.now() - since >= stretchMs,
    async turn() {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      since = performance.now();
    },
  };
}
