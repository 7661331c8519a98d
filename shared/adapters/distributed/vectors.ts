import type { AdapterOptions } from '../../function/adapter-options.ts';
import type { SearchOptions, VectorEntry, VectorSpace, Vectors } from '../../ports/vectors.ts';
import { openGallery } from './milvus/gallery.ts';
import { templateCounter } from './milvus/template-count.ts';
import { listFaceIds, readEntries } from './milvus/template-reading.ts';
import { rowOf } from './milvus/template-rows.ts';
import { searchTemplates } from './milvus/template-search.ts';
import { removeFaces, writeRows } from './milvus/template-writing.ts';
import { passed, storeCalls } from './store-calls.ts';

export interface VectorsOptions {
  readonly engines: Pick<AdapterOptions['engines'], 'milvus'>;
  /** Ids that are listed with one request. Default 8192; Milvus answers at most 16,384. */
  readonly pageSize?: number;
  /** From how many templates on a count is kept for a while. Default 10,000. */
  readonly manyTemplates?: number;
}

/** A call with its repetitions, and the making of a collection. */
const callMs = 30_000;
/** Connections to a server that hangs are not waited for longer. */
const closeMs = 2000;
/** Milvus' default staleness of Bounded is 5 s; some more for clocks that differ. */
const boundedMs = 7000;

/**
 * Milvus.
 *
 * [Note: Consistency by call]
 * A search reads `Bounded`: it may lag some seconds behind a write and costs nothing for it; an enrolment answered a moment ago may
 * not be found yet, and a face removed a moment ago may be, which whoever shows it finds out from the records. Everything that
 * proves something, reading back, counting, listing and removing, reads `Strong`; so does a search that asks for it. `Strong` waits for the
 * server's clock to pass, 200 ms as it comes, so what a recognition counts is `Bounded` too: the gallery that its search sees.
 */
export async function openVectors({
  engines,
  pageSize = 8192,
  manyTemplates = 10_000,
}: VectorsOptions): Promise<Vectors> {
  const gallery = openGallery(engines.milvus);
  const countTemplates = templateCounter(gallery, manyTemplates);
  const calls = storeCalls({ store: 'vectors', timeoutMs: callMs });

  return {
    lagMs: boundedMs,
    async upsert(tenant, space, entries, options) {
      options?.signal?.throwIfAborted();
      for (const { faceId, embedding } of entries) requireUnit(embedding, space.dimension, `face ${faceId}`);
      // A later entry of the same face replaces an earlier one. Copied at once: what the caller does with its arrays later is its business.
      const rows = [...new Map(entries.map((entry) => [entry.faceId, rowOf(tenant, entry)])).values()];
      await calls.run(options, (signal) => writeRows(gallery, space, rows, signal));
    },
    remove: (tenant, faceIds, options) => calls.run(options, (signal) => removeFaces(gallery, tenant, faceIds, signal)),
    get: (tenant, space, faceIds, options) => calls.run(options, () => readEntries(gallery, tenant, space, faceIds)),
    async search(tenant, space, probe, options) {
      options.signal?.throwIfAborted();
      requireSearch(space, probe, options);
      return await calls.run(options, (signal) => searchTemplates(gallery, tenant, space, probe, options, signal));
    },
    count: (tenant, space, options) => calls.run(options, () => countTemplates(tenant, space, options?.consistency)),
    faceIds: (tenant, options) =>
      listFaceIds(gallery, tenant, {
        pageSize,
        signal: options?.signal,
        run: (request) => calls.run(options, request),
      }),
    close() {
      gallery.collections.close();
      return calls.close(() => Promise.race([gallery.client.closeConnection(), passed(closeMs)]));
    },
  };
}

function requireSearch(space: VectorSpace, probe: Float32Array, { limit, minCosine = -1 }: SearchOptions): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > 4096) throw new RangeError('limit must be 1 to 4096');
  if (Number.isNaN(minCosine)) throw new RangeError('minCosine is not a number');
  requireUnit(probe, space.dimension, 'the probe');
}

function requireUnit(embedding: VectorEntry['embedding'], dimension: VectorSpace['dimension'], what: string): void {
  if (embedding.length !== dimension) {
    throw new RangeError(`${what}: ${embedding.length} numbers where ${dimension} are expected`);
  }
  let squares = 0;
  for (const value of embedding) squares += value * value;
  // Written so that NaN fails as well.
  if (!(Math.abs(Math.sqrt(squares) - 1) <= 1e-3)) throw new RangeError(`${what}: not a vector of unit norm`);
}
