import { createRequire } from 'node:module';
import type { Index } from 'usearch';
import type { Clock } from '../../ports/clock.ts';
import type { StoreLog } from '../store-log.ts';
import { blockRows, type Gallery } from './vector-gallery.ts';

/**
 * An HNSW index over a gallery's slots, always a little behind: what it has not taken up yet is named, to be compared
 * exactly.
 *
 * [Note: An index that is built anew]
 * The index is not kept on disk: it would hold the templates unencrypted, and a damaged file would be read by native code.
 * It is built in the background, a few milliseconds of work at a time with as long a pause after each; searches are exact
 * meanwhile, and only slower.
 *
 * [Note: Choice of index parameters]
 * Eight bits a number build and search in 0.6 of the time of 16 bits and find the same (50,000 × 128, five to a person:
 * nearest 100 %, of ten 99.5 %), since what the index finds is compared once more with the 32-bit templates. 32 links a node
 * instead of 16 cost half as much again and take the ten nearest of a stranger from 92 % to 98 %. scripts/bench/vectors.ts measures.
 */
export interface VectorIndex {
  /** A slot was filled, changed or freed. */
  touch(slot: number): void;
  /** Slots that the index may be wrong about. null: too many of them, or still loading; search exactly. */
  behind(): ReadonlySet<number> | null;
  /** About the `count` nearest slots. Call only when `behind` is not null. */
  nearest(probe: Float32Array, count: number): number[];
  close(): void;
}

const parameters = { connectivity: 32, expansion_add: 128, expansion_search: 384, multi: false };
/** Length of one piece of work and of the pause after it, in milliseconds. */
const sliceMs = 4;
/** With more slots to be compared exactly the index is no gain. */
const mostBehind = 2000;

export interface VectorIndexOptions {
  readonly clock: Clock;
  readonly log?: StoreLog | undefined;
}

export function createVectorIndex(gallery: Gallery, { clock, log }: VectorIndexOptions): VectorIndex {
  const dirty = new Set<number>();
  const indexed = new Set<number>();
  let index: Index | undefined;
  let working = false;
  let closed = false;

  for (let slot = 0; slot < gallery.slots; slot++) if (gallery.faceId(slot) !== null) dirty.add(slot);
  loadIndex(gallery.dimension).then(
    (loaded) => {
      index = loaded;
      work();
    },
    (error: unknown) => log?.warn({ err: error }, 'the search index cannot be loaded here; searches stay exact'),
  );

  const work = (): void => {
    if (working || closed || index === undefined || dirty.size === 0) return;
    working = true;
    setImmediate(() => {
      if (closed) return;
      try {
        catchUp(index!, performance.now() + sliceMs);
      } catch (error) {
        closed = true;
        index = undefined;
        log?.error({ err: error }, 'the search index failed; searches stay exact');
        return;
      }
      clock.after(sliceMs, () => {
        working = false;
        work();
      });
    });
  };

  const catchUp = (target: Index, until: number): void => {
    for (const slot of dirty) {
      if (indexed.delete(slot)) target.remove(BigInt(slot));
      if (gallery.faceId(slot) !== null) {
        const start = (slot % blockRows) * gallery.stride;
        const row = gallery.blocks[Math.floor(slot / blockRows)]!.subarray(start, start + gallery.dimension);
        target.add(BigInt(slot), row, 1);
        indexed.add(slot);
      }
      dirty.delete(slot);
      if (performance.now() >= until) return;
    }
  };

  return {
    touch(slot) {
      if (closed) return;
      dirty.add(slot);
      work();
    },
    behind: () => (index === undefined || dirty.size > mostBehind ? null : dirty),
    nearest: (probe, count) => Array.from(index!.search(probe, count, 1).keys, Number),
    close() {
      closed = true;
      index = undefined;
      dirty.clear();
      indexed.clear();
    },
  };
}

/** On first use: most galleries never need the native library. See: [Note: Packages that fail to load] */
async function loadIndex(dimensions: number): Promise<Index> {
  const require = createRequire(import.meta.url);
  const { Index, MetricKind, ScalarKind } = require(require.resolve('usearch')) as typeof import('usearch');
  return new Index({ ...parameters, dimensions, metric: MetricKind.IP, quantization: ScalarKind.I8 });
}
