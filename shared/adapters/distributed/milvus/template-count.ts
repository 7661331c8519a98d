import { ConsistencyLevelEnum } from '@zilliz/milvus2-sdk-node';
import type { Tenant } from '../../../ports/tenant.ts';
import type { SearchOptions, VectorSpace, Vectors } from '../../../ports/vectors.ts';
import { checked, requestMs } from './client.ts';
import { filterExpression, ofTenant } from './filter.ts';
import type { Gallery } from './gallery.ts';

/** How long the count of a large gallery is cached, in milliseconds. */
const countMs = 5000;

type TemplateCounts = Awaited<ReturnType<Vectors['count']>>;

type CountTemplates = (
  tenant: Tenant,
  space: VectorSpace,
  consistency: SearchOptions['consistency'],
) => Promise<TemplateCounts>;

/**
 * Counts the templates of a tenant. A bounded count of at least `manyTemplates` assigned templates is cached.
 *
 * [Note: Counts of large galleries are cached]
 * Counting reads every row of the tenant. A recognition needs only the logarithm of the count. In a gallery of ten thousand templates, a
 * few seconds of enrolments hardly change it. So a large count is not repeated for each photo.
 */
export function templateCounter(gallery: Gallery, manyTemplates: number): CountTemplates {
  const cached = new Map<string, { readonly counts: TemplateCounts; readonly until: number }>();

  return async (tenant, space, consistency) => {
    const name = await gallery.collections.find(space);
    if (name === null) return { assigned: 0, total: 0 };
    if (consistency !== 'bounded') return await countAll(gallery, name, tenant, ConsistencyLevelEnum.Strong);
    const key = `${name}/${tenant}`;
    const before = cached.get(key);
    if (before !== undefined && before.until > performance.now()) return before.counts;
    const counts = await countAll(gallery, name, tenant, ConsistencyLevelEnum.Bounded);
    if (counts.assigned < manyTemplates) cached.delete(key);
    else cached.set(key, { counts, until: performance.now() + countMs });
    return counts;
  };
}

async function countAll(
  gallery: Gallery,
  name: string,
  tenant: Tenant,
  level: ConsistencyLevelEnum,
): Promise<TemplateCounts> {
  const [total, assigned] = await Promise.all([
    countRows(gallery, name, ofTenant(tenant), level),
    countRows(gallery, name, filterExpression(tenant, { assigned: true }), level),
  ]);
  return { assigned, total };
}

async function countRows(
  { client, collections }: Gallery,
  name: string,
  filter: string,
  consistency_level: ConsistencyLevelEnum,
): Promise<number> {
  const answer = await collections.loaded(name, async () =>
    checked(
      'counting',
      await client.query({
        collection_name: name,
        filter,
        output_fields: ['count(*)'],
        consistency_level,
        timeout: requestMs,
      }),
    ),
  );
  return Number(answer.data[0]?.['count(*)'] ?? 0);
}
