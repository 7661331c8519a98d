import { createRequire } from 'node:module';
import type { Index } from 'usearch';
import type { Clock } from '../../ports/clock.ts';
import type { StoreLog } from '../store-log.ts';
import { blockRows, type Gallery } from './vector-gallery.ts';

/**
 * An HNSW index over the slots of a gallery. It is always a little behind the gallery: `behind` returns the slots that a search must
 * compare exactly.
 *
 * [Note: Index rebuilt at every start]
 * The index is not stored on disk: the file would contain unencrypted templates, and native code would read a damaged file. It is built
 * in the background after each start, in slices of a few milliseconds with pauses of the same length. Until then searches are exact,
 * only slower.
 *
 * [Note: Choice of index parameters]
 * With 8 bits for each number, building and searching take 0.6 of the time of 16 bits, and find the same (50,000 × 128, five faces a
 * person: 100 % of the nearest, 99.5 % of the ten nearest), because hits are compared again with the 32-bit templates. 32 links a node
 * instead of 16 cost half as much again, and raise the recall of a stranger's ten nearest from 92 % to 98 %. Measured by
 * scripts/bench/vectors.ts.
 */
export interface VectorIndex {
  /** A slot was filled, changed or freed. */
  touch(slot: number): void;
  /** Slots whose changes the index does not contain. null: there are too many, or the index is loading; search exactly. */
  behind(): ReadonlySet<number> | null;
  /** The `count` nearest slots, approximately. Call it only if `behind` is not null. */
  nearest(probe: Float32Array, count: number): number[];
  close(): void;
}

const parameters = { connectivity: 32, expansion_add: 128, expansion_search: 384, multi: false };
/** Length of a slice of work, and of the pause after it, in milliseconds. */
const sliceMs = 4;
/** With more slots to compare exactly, the index saves no time. */
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

/** Loads the native library on first use; most galleries never need it. See: [Note: Packages that fail to load] */
async function loadIndex(dimensions: number): Promise<Index> {
  const require = createRequire(import.meta.url);
  const { Index, MetricKind, ScalarKind } = require(require.resolve('usearch')) as typeof import('usearch');
  return new Index({ ...parameters, dimensions, metric: MetricKind.IP, quantization: ScalarKind.I8 });
}
