import { ConsistencyLevelEnum } from '@zilliz/milvus2-sdk-node';
import { isInside } from '../../../domain/globe.ts';
import type { Tenant } from '../../../ports/tenant.ts';
import type { SearchOptions, VectorFilter, VectorHit, VectorSpace } from '../../../ports/vectors.ts';
import { checked, requestMs } from './client.ts';
import { filterExpression, noDegree } from './filter.ts';
import type { Gallery } from './gallery.ts';
import { type FoundRow, hitFields, hitOf } from './template-rows.ts';
import { metricOf, mostHitsOf, searchParams } from './vector-index.ts';

/** Hits requested above the limit, so that ties at the limit are broken by face id. */
const slack = 16;

/** The `limit` nearest templates, nearest first, ties by face id. */
export async function searchTemplates(
  gallery: Gallery,
  tenant: Tenant,
  space: VectorSpace,
  probe: Float32Array,
  { limit, minCosine = -1, filter, consistency }: SearchOptions,
  signal: AbortSignal,
): Promise<VectorHit[]> {
  const name = await gallery.collections.find(space);
  if (name === null || filter?.personIds?.length === 0) return [];
  const most = mostHitsOf(gallery.settings.index);
  // Ties at the limit, or faces outside the circle, can leave the nearest undecided. Then search again for more.
  for (let asked = Math.min(limit + slack, most); ; asked = Math.min(4 * asked, most)) {
    signal.throwIfAborted();
    const found = await nearest(gallery, name, tenant, probe, asked, { filter, consistency });
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
}

/** One search of Milvus. See: [Note: Consistency by call] */
async function nearest(
  { client, collections, settings: { index, expectedFaces } }: Gallery,
  name: string,
  tenant: Tenant,
  probe: Float32Array,
  limit: number,
  { filter, consistency }: Pick<SearchOptions, 'filter' | 'consistency'>,
): Promise<FoundRow[]> {
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
        filter: filterExpression(tenant, filter),
        output_fields: hitFields,
        consistency_level: consistency === 'strong' ? ConsistencyLevelEnum.Strong : ConsistencyLevelEnum.Bounded,
        timeout: requestMs,
      }),
    ),
  );
  return answer.results as unknown as FoundRow[];
}

const isNear = ({ lat, lon }: FoundRow, filter: VectorFilter | undefined): boolean =>
  filter?.near === undefined || (lat !== noDegree && isInside({ kind: 'circle', ...filter.near }, { lat, lon }));

const nearestFirst = (a: VectorHit, b: VectorHit): number =>
  b.cosine - a.cosine || (a.faceId < b.faceId ? -1 : a.faceId > b.faceId ? 1 : 0);
