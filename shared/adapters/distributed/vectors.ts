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
  /** Face ids per request of a listing. Default 8192; Milvus returns at most 16,384 rows. */
  readonly pageSize?: number;
  /** A bounded count of at least this many assigned templates is cached. Default 10,000. */
  readonly manyTemplates?: number;
}

/** Limit of one call, with its retries and the creation of a collection. In milliseconds, as all times here. */
const callMs = 30_000;
/** Limit of closing the connection to a server that hangs. */
const closeMs = 2000;
/** Milvus' default staleness of Bounded is 5 s; 2 s more because clocks differ. */
const boundedMs = 7000;

/**
 * The templates in Milvus.
 *
 * [Note: Consistency by call]
 * A search reads with `Bounded` consistency by default. It can miss writes of the last seconds, but it does not wait. So a new enrolment
 * may not be found yet, and a deleted face may still be found; the caller checks hits against the records. `get`, `count`, `faceIds`
 * and `remove` read with `Strong` consistency, and so does a search that asks for it. `Strong` waits until the
 * server has reached the time of the request, about 200 ms. So a recognition counts with `Bounded` too: it counts the gallery that its
 * search sees.
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
      // The last entry of a face wins. The rows are copied now, because the caller may change its arrays during the call.
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
  if (Number.isNaN(minCosine)) throw new RangeError('minCosine must not be NaN');
  requireUnit(probe, space.dimension, 'the probe');
}

function requireUnit(embedding: VectorEntry['embedding'], dimension: VectorSpace['dimension'], what: string): void {
  if (embedding.length !== dimension) {
    throw new RangeError(`${what}: the vector has ${embedding.length} numbers; ${dimension} are expected`);
  }
  let squares = 0;
  for (const value of embedding) squares += value * value;
  // The negation also rejects NaN.
  if (!(Math.abs(Math.sqrt(squares) - 1) <= 1e-3)) throw new RangeError(`${what}: the norm of the vector is not 1`);
}
