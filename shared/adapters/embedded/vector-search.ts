import type { SearchOptions, VectorFilter, VectorHit } from '../../ports/vectors.ts';
import { type BestHits, createBestHits } from './best-hits.ts';
import { slotFilter } from './vector-filter.ts';
import { blockRows, type Gallery } from './vector-gallery.ts';
import type { VectorIndex } from './vector-index.ts';
import { cosineOfRow, cosinesOfRows } from './vector-kernel.ts';

/** Longest time of scanning, in milliseconds, before other work of the process runs. */
const stretchMs = 6;
/** Below this share of matching faces, the filter runs before the cosine is computed. */
const selectiveShare = 0.5;
/** Below this share, too few hits of the index match. Above `indexLimit` hits, the index is not used either. */
const indexShare = 0.2;
const indexLimit = 256;
/** Additional hits that the index returns, because its order is approximate. */
const indexMargin = 48;

/**
 * The nearest faces that meet the filter. The result is exact without an index, and nearly always the same with one. Cosines are exact.
 *
 * [Note: Ways to search]
 * If the filter names persons, only their faces are compared. If few faces meet the filter, only these are compared. Otherwise the
 * index is used, if there is one, together with the slots that it does not contain yet. If that gives too few hits, all faces are
 * compared.
 */
export async function searchGallery(
  gallery: Gallery,
  index: VectorIndex | undefined,
  probe: Float32Array,
  options: SearchOptions,
): Promise<VectorHit[]> {
  const { limit, filter, signal } = options;
  const scan: Scan = {
    gallery,
    probe: padProbe(probe, gallery.stride),
    matches: slotFilter(gallery, filter),
    best: createBestHits(limit, lowestCosine(options)),
    signal,
  };
  if (filter?.personIds !== undefined) {
    await scanSlots(scan, slotsOfPersons(gallery, filter.personIds));
    return hitsOf(scan);
  }
  const share = shareOfMatches(gallery, filter, scan.matches);
  if (index !== undefined && limit <= indexLimit && share >= indexShare) {
    const hits = await searchIndex(scan, index, probe, options, share);
    if (hits !== null) return hits;
  }
  if (share < selectiveShare) await scanSlots(scan, allSlots(gallery));
  else await scanAll(scan);
  return hitsOf(scan);
}

interface Scan {
  readonly gallery: Gallery;
  /** Padded to the gallery's stride. */
  readonly probe: Float32Array;
  readonly matches: (slot: number) => boolean;
  readonly best: BestHits;
  readonly signal: AbortSignal | undefined;
}

/** null: the index is not ready, or it found too few hits. */
async function searchIndex(
  scan: Scan,
  index: VectorIndex,
  probe: Float32Array,
  { limit, filter, minCosine = -1 }: SearchOptions,
  share: number,
): Promise<VectorHit[] | null> {
  const behind = index.behind();
  if (behind === null) return null;
  const excluded = filter?.notFaceIds?.length ?? 0;
  const wanted = Math.ceil((1.5 * limit) / share) + indexMargin + excluded + Math.min(behind.size, indexMargin);
  if (wanted > 4 * indexLimit) return null;

  const found = index.nearest(probe, wanted);
  const known = found.filter((slot) => !behind.has(slot));
  const best = createBestHits(limit, lowestCosine({ minCosine }));
  // Copied, because the index takes slots from `behind` during the scan.
  await scanSlots({ ...scan, best }, [...known, ...behind]);

  const hits = hitsOf({ ...scan, best });
  if (hits.length >= limit || found.length < wanted) return hits;
  // Other faces are farther than the farthest hit of the index. If that hit is already too far, no hit is missing.
  const farthest = Math.min(...known.map((slot) => cosineAt(scan, slot)));
  return known.length > 0 && farthest < minCosine ? hits : null;
}

/** Compares all rows, block by block. */
async function scanAll({ gallery, probe, matches, best, signal }: Scan): Promise<void> {
  const { blocks, stride, columns } = gallery;
  // Not shared, because other searches run between two blocks.
  const cosines = new Float64Array(blockRows);
  const pauses = createPauses(signal);
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
    if (pauses.isDue()) await pauses.take();
  }
}

/** Compares the `slots` that meet the filter. */
async function scanSlots(scan: Scan, slots: Iterable<number>): Promise<void> {
  const { gallery, matches, best, signal } = scan;
  const pauses = createPauses(signal);
  let seen = 0;
  for (const slot of slots) {
    if (matches(slot)) best.offer({ slot, faceId: gallery.columns.faceId[slot]!, cosine: cosineAt(scan, slot) });
    if (++seen % 512 === 0 && pauses.isDue()) await pauses.take();
  }
}

const cosineAt = ({ gallery, probe }: Scan, slot: number): number =>
  cosineOfRow(
    gallery.blocks[Math.floor(slot / blockRows)]!,
    (slot % blockRows) * gallery.stride,
    probe,
    gallery.stride,
  );

/** Hits in the port's format, without faces that were removed during the search. */
function hitsOf({ gallery: { columns }, best }: Scan): VectorHit[] {
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

/** Share of the faces that meet the filter, 0..1, estimated from a sample spread over the slots. */
function shareOfMatches(
  gallery: Gallery,
  filter: VectorFilter | undefined,
  matches: (slot: number) => boolean,
): number {
  if (filter?.assigned === undefined && filter?.capturedBetween === undefined && filter?.near === undefined) return 1;
  const step = Math.max(1, Math.floor(gallery.slots / 500));
  let live = 0;
  let matching = 0;
  for (let slot = 0; slot < gallery.slots; slot += step) {
    if (gallery.faceId(slot) === null) continue;
    live++;
    if (matches(slot)) matching++;
  }
  return live === 0 ? 0 : matching / live;
}

function slotsOfPersons(gallery: Gallery, personIds: readonly string[]): number[] {
  const slots: number[] = [];
  for (const personId of new Set(personIds)) for (const slot of gallery.slotsOfPerson(personId)) slots.push(slot);
  return slots;
}

function* allSlots(gallery: Gallery): Generator<number> {
  for (let slot = 0; slot < gallery.slots; slot++) yield slot;
}

/** Rounding can bring the cosine of opposite vectors a little below -1. */
const lowestCosine = ({ minCosine = -1 }: { readonly minCosine?: number | undefined }): number =>
  minCosine <= -1 ? Number.NEGATIVE_INFINITY : minCosine;

function padProbe(probe: Float32Array, stride: number): Float32Array {
  if (probe.length === stride) return probe;
  const padded = new Float32Array(stride);
  padded.set(probe);
  return padded;
}

/** Pauses of a scan, in which other work of the process runs. */
function createPauses(signal: AbortSignal | undefined) {
  signal?.throwIfAborted();
  let since = performance.now();
  return {
    isDue: () => performance.now() - since >= stretchMs,
    async take() {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      since = performance.now();
    },
  };
}
