import { ConsistencyLevelEnum } from '@zilliz/milvus2-sdk-node';
import { isInside } from '../../domain/globe.ts';
import type { AdapterOptions } from '../../function/adapter-options.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { VectorEntry, VectorFilter, VectorHit, VectorSpace, Vectors } from '../../ports/vectors.ts';
import { checked, openMilvus, requestMs } from './milvus/client.ts';
import { openCollections } from './milvus/collections.ts';
import { filterExpression, literal, noDegree, noTime, ofTenant } from './milvus/filter.ts';
import { metricOf, mostHitsOf, searchParams } from './milvus/vector-index.ts';
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
const timeout = requestMs;
/** Milvus reads no more at once. */
const mostRows = 16_384;
/** Asked for beyond the limit, so that ties at its edge are broken by face id. */
const slack = 16;
/** Connections to a server that hangs are not waited for longer. */
const closeMs = 2000;
/** Milvus' default staleness of Bounded is 5 s; some more for clocks that differ. */
const boundedMs = 7000;
/** Ids per request. */
const step = 1000;
/** How long a count of many is kept, in milliseconds. */
const countMs = 5000;

const entryFields = ['face_id', 'person_id', 'image_id', 'captured_at', 'lat', 'lon', 'accuracy_m', 'embedding'];
const hitFields = ['face_id', 'person_id', 'image_id', 'lat', 'lon'];

/**
 * Milvus.
 *
 * [Note: Consistency by call]
 * A search reads `Bounded`: it may lag some seconds behind a write and costs nothing for it; an enrolment answered a moment ago may
 * not be found yet, and a face removed a moment ago may be, which whoever shows it finds out from the records. Everything that
 * proves something, reading back, counting, listing and removing, reads `Strong`; so does a search that asks for it. `Strong` waits for the
 * server's clock to pass, 200 ms as it comes, so what a recognition counts is `Bounded` too: the gallery that its search sees.
 *
 * [Note: Counts of many are kept]
 * Counting reads every row of the tenant, and a recognition needs the logarithm of the count. Ten thousand templates do not become so
 * many more within seconds that it would matter, so they are not counted anew for each photo.
 */
export async function openVectors({
  engines,
  pageSize = 8192,
  manyTemplates = 10_000,
}: VectorsOptions): Promise<Vectors> {
  const settings = engines.milvus;
  const { index, expectedFaces } = settings;
  const client = openMilvus(settings);
  const collections = openCollections(client, settings);
  const calls = storeCalls({ store: 'vectors', timeoutMs: callMs });
  const strong = { consistency_level: ConsistencyLevelEnum.Strong, timeout } as const;
  const bounded = { consistency_level: ConsistencyLevelEnum.Bounded, timeout } as const;
  const kept = new Map<string, { readonly counts: Counts; readonly until: number }>();

  const query = async (name: string, filter: string, output_fields: string[], limit: number): Promise<Row[]> => {
    const answer = await collections.loaded(name, async () =>
      checked('reading', await client.query({ collection_name: name, filter, output_fields, limit, ...strong })),
    );
    return answer.data as Row[];
  };

  const countOf = async (name: string, filter: string, level: typeof strong | typeof bounded): Promise<number> => {
    const answer = await collections.loaded(name, async () =>
      checked('counting', await client.query({ collection_name: name, filter, output_fields: ['count(*)'], ...level })),
    );
    return Number(answer.data[0]?.['count(*)'] ?? 0);
  };

  const countAll = async (name: string, tenant: Tenant, level: typeof strong | typeof bounded): Promise<Counts> => {
    const [total, assigned] = await Promise.all([
      countOf(name, ofTenant(tenant), level),
      countOf(name, filterExpression(tenant, { assigned: true }), level),
    ]);
    return { assigned, total };
  };

  const nearest = async (
    name: string,
    tenant: Tenant,
    probe: Float32Array,
    limit: number,
    ask: Ask,
  ): Promise<Found[]> => {
    const answer = await collections.loaded(name, async () =>
      checked(
        'searching',
        await client.search({
          collection_name: name,
          data: [...probe],
          anns_field: 'embedding',
          metric_type: metricOf(index),
          params: { ...searchParams(index, expectedFaces, limit) },
          limit,
          filter: filterExpression(tenant, ask.filter),
          output_fields: hitFields,
          consistency_level: ask.consistency === 'strong' ? ConsistencyLevelEnum.Strong : ConsistencyLevelEnum.Bounded,
          timeout,
        }),
      ),
    );
    return answer.results as unknown as Found[];
  };

  return {
    lagMs: boundedMs,
    async upsert(tenant, space, entries, options) {
      options?.signal?.throwIfAborted();
      for (const { faceId, embedding } of entries) requireUnit(embedding, space.dimension, `face ${faceId}`);
      // A later entry of the same face replaces an earlier one. Copied at once: what the caller does with its arrays later is its business.
      const rows = [...new Map(entries.map((entry) => [entry.faceId, rowOf(tenant, entry)])).values()];
      await calls.run(options, async (signal) => {
        if (rows.length === 0) return;
        const name = await collections.open(space);
        await collections.loaded(name, async () => {
          signal.throwIfAborted();
          checked('writing', await client.upsert({ collection_name: name, data: rows as never, timeout }));
        });
      });
    },

    remove: (tenant, faceIds, options) =>
      calls.run(options, async (signal) => {
        let removed = 0;
        for (const name of await collections.all()) {
          for (let from = 0; from < faceIds.length; from += step) {
            const filter = ofTenant(tenant, faceIds.slice(from, from + step));
            signal.throwIfAborted();
            const found = await query(name, filter, ['id'], mostRows);
            if (found.length === 0) continue;
            const ids = found.map(({ id }) => id);
            await collections.loaded(name, async () => {
              const ofIds = `id in [${ids.map(literal).join(', ')}]`;
              signal.throwIfAborted();
              checked('removing', await client.delete({ collection_name: name, filter: ofIds, timeout }));
            });
            removed += ids.length;
          }
        }
        return removed;
      }),

    get: (tenant, space, faceIds, options) =>
      calls.run(options, async () => {
        const name = await collections.find(space);
        if (name === null) return [];
        const wanted = [...new Set(faceIds)];
        const entries: VectorEntry[] = [];
        for (let from = 0; from < wanted.length; from += step) {
          const filter = ofTenant(tenant, wanted.slice(from, from + step));
          entries.push(...(await query(name, filter, entryFields, step)).map(entryOf));
        }
        return entries;
      }),

    async search(tenant, space, probe, options) {
      options.signal?.throwIfAborted();
      const { limit, minCosine = -1, filter } = options;
      if (!Number.isInteger(limit) || limit < 1 || limit > 4096) throw new RangeError('limit must be 1 to 4096');
      if (Number.isNaN(minCosine)) throw new RangeError('minCosine is not a number');
      requireUnit(probe, space.dimension, 'the probe');
      return await calls.run(options, async (signal) => {
        const name = await collections.find(space);
        if (name === null || filter?.personIds?.length === 0) return [];
        const most = mostHitsOf(index);
        // More is asked for while a tie, or places outside the circle, leave open who belongs to the nearest.
        for (let asked = Math.min(limit + slack, most); ; asked = Math.min(4 * asked, most)) {
          signal.throwIfAborted();
          const found = await nearest(name, tenant, probe, asked, options);
          const hits = found
            .filter((each) => isNear(each, filter))
            .map(hitOf)
            .toSorted(nearestFirst);
          const isAll = found.length < asked || asked === most;
          const farthest = found.at(-1)?.score ?? -1;
          const edge = hits[limit - 1]?.cosine;
          if (isAll || farthest < minCosine || (edge !== undefined && farthest < edge)) {
            return hits.filter(({ cosine }) => cosine >= minCosine).slice(0, limit);
          }
        }
      });
    },

    count: (tenant, space, options) =>
      calls.run(options, async () => {
        const name = await collections.find(space);
        if (name === null) return { assigned: 0, total: 0 };
        if (options?.consistency !== 'bounded') return await countAll(name, tenant, strong);
        const key = `${name}/${tenant}`;
        const before = kept.get(key);
        if (before !== undefined && before.until > performance.now()) return before.counts;
        const counts = await countAll(name, tenant, bounded);
        if (counts.assigned < manyTemplates) kept.delete(key);
        else kept.set(key, { counts, until: performance.now() + countMs });
        return counts;
      }),

    async *faceIds(tenant, options) {
      const names = await calls.run(options, () => collections.all());
      const seen = new Set<string>();
      for (const name of names) {
        const pages = idRanges(async (range) => {
          const filter = `${ofTenant(tenant)}${range}`;
          return await calls.run(options, () => query(name, filter, ['id', 'face_id'], pageSize));
        }, pageSize);
        for await (const { face_id } of pages) {
          options?.signal?.throwIfAborted();
          if (names.length > 1) {
            if (seen.has(face_id)) continue;
            seen.add(face_id);
          }
          yield face_id;
        }
      }
    },

    close() {
      collections.close();
      return calls.close(() => Promise.race([client.closeConnection(), passed(closeMs)]));
    },
  };
}

/**
 * All rows of a reading that answers at most `most` at once, in no order that could be gone on from: a range that is full is cut in
 * two at the middle of what came.
 */
async function* idRanges<Found extends { readonly id: string }>(
  read: (range: string) => Promise<Found[]>,
  most: number,
  above?: string,
  upTo?: string,
): AsyncGenerator<Found> {
  const found = await read(
    (above === undefined ? '' : ` and id > ${literal(above)}`) +
      (upTo === undefined ? '' : ` and id <= ${literal(upTo)}`),
  );
  if (found.length < most) {
    yield* found;
    return;
  }
  const middle = found.map(({ id }) => id).toSorted()[Math.floor((found.length - 1) / 2)]!;
  yield* idRanges(read, most, above, middle);
  yield* idRanges(read, most, middle, upTo);
}

type Counts = Awaited<ReturnType<Vectors['count']>>;
type Ask = Pick<Parameters<Vectors['search']>[3], 'filter' | 'consistency'>;

interface Row {
  readonly id: string;
  readonly tenant: Tenant;
  readonly face_id: string;
  readonly person_id: string;
  readonly image_id: string;
  /** 64-bit numbers come as text. */
  readonly captured_at: number | string;
  readonly lat: number;
  readonly lon: number;
  readonly accuracy_m: number;
  readonly embedding: readonly number[];
}
type Found = Pick<Row, 'face_id' | 'person_id' | 'image_id' | 'lat' | 'lon'> & { readonly score: number };

const rowOf = (tenant: Tenant, entry: VectorEntry): Row => ({
  // A tenant's name holds no slash.
  id: `${tenant}/${entry.faceId}`,
  tenant,
  face_id: entry.faceId,
  person_id: entry.personId ?? '',
  image_id: entry.imageId,
  captured_at: entry.capturedAt ?? noTime,
  lat: entry.location?.lat ?? noDegree,
  lon: entry.location?.lon ?? noDegree,
  accuracy_m: entry.location?.accuracy_m ?? -1,
  embedding: [...entry.embedding],
});

function entryOf({ face_id, person_id, image_id, captured_at, lat, lon, accuracy_m, embedding }: Row): VectorEntry {
  const at = Number(captured_at);
  return {
    faceId: face_id,
    personId: person_id === '' ? null : person_id,
    imageId: image_id,
    embedding: Float32Array.from(embedding),
    capturedAt: at === noTime ? null : at,
    location: lat === noDegree ? null : { lat, lon, ...(accuracy_m < 0 ? {} : { accuracy_m }) },
  };
}

const hitOf = ({ face_id, person_id, image_id, score }: Found): VectorHit => ({
  faceId: face_id,
  personId: person_id === '' ? null : person_id,
  imageId: image_id,
  cosine: Math.min(1, Math.max(-1, score)),
});

const nearestFirst = (a: VectorHit, b: VectorHit): number =>
  b.cosine - a.cosine || (a.faceId < b.faceId ? -1 : a.faceId > b.faceId ? 1 : 0);

const isNear = ({ lat, lon }: Found, filter: VectorFilter | undefined): boolean =>
  filter?.near === undefined || (lat !== noDegree && isInside({ kind: 'circle', ...filter.near }, { lat, lon }));

function requireUnit(embedding: VectorEntry['embedding'], dimension: VectorSpace['dimension'], what: string): void {
  if (embedding.length !== dimension) {
    throw new RangeError(`${what}: ${embedding.length} numbers where ${dimension} are expected`);
  }
  let squares = 0;
  for (const value of embedding) squares += value * value;
  // Written so that NaN fails as well.
  if (!(Math.abs(Math.sqrt(squares) - 1) <= 1e-3)) throw new RangeError(`${what}: not a vector of unit norm`);
}
