import type { MetricValue, Registry } from 'prom-client';

export interface Latencies {
  readonly count: number;
  /** Milliseconds, interpolated between the bounds of a histogram; null when there was no request. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** Counts of this process, or of all processes. `inFlight` and `inWork` always belong to this process. */
export interface MetricsReport {
  readonly requests: { readonly total: number; readonly inFlight: number; readonly byStatus: Record<string, number> };
  readonly latencies: Record<string, Latencies>;
  readonly extractor: { readonly inWork: number; readonly shed: number };
  readonly cache: { readonly hits: number; readonly misses: number };
  readonly eventsPublished: number;
}

/** Builds the report from a registry, or from the sum of several. */
export async function reportOf(registry: Registry): Promise<MetricsReport> {
  const valuesOf = async (name: string) => (await registry.getSingleMetric(`freeface_${name}`)!.get()).values;
  const requests = await valuesOf('http_requests_total');
  const byStatus: Record<string, number> = {};
  for (const { labels, value } of requests)
    byStatus[String(labels.status)] = (byStatus[String(labels.status)] ?? 0) + value;
  const lookups = await valuesOf('cache_lookups_total');
  return {
    requests: { total: sum(requests), inFlight: sum(await valuesOf('requests_in_flight')), byStatus },
    latencies: latenciesOf((await valuesOf('http_request_duration_seconds')) as BucketValue[]),
    extractor: {
      inWork: sum(await valuesOf('extractor_images_in_work')),
      shed: sum(await valuesOf('extractor_shed_total')),
    },
    cache: {
      hits: sum(lookups.filter(({ labels }) => labels.result === 'hit')),
      misses: sum(lookups.filter(({ labels }) => labels.result === 'miss')),
    },
    eventsPublished: sum(await valuesOf('events_published_total')),
  };
}

const sum = (values: readonly MetricValue<string>[]): number => values.reduce((total, { value }) => total + value, 0);

interface BucketValue {
  readonly value: number;
  readonly metricName?: string;
  readonly labels: { readonly function?: string | number; readonly le?: string | number };
}

function latenciesOf(values: readonly BucketValue[]): Record<string, Latencies> {
  const buckets = new Map<string, { upTo: number; count: number }[]>();
  for (const { labels, value } of values) {
    if (labels.le === undefined) continue;
    const name = String(labels.function);
    const upTo = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
    buckets.set(name, [...(buckets.get(name) ?? []), { upTo, count: value }]);
  }
  return Object.fromEntries(
    [...buckets].map(([name, unsorted]) => {
      const list = unsorted.toSorted((a, b) => a.upTo - b.upTo);
      const count = list.at(-1)?.count ?? 0;
      const at = (share: number) => quantile(list, share);
      return [name, { count, p50: at(0.5), p95: at(0.95), p99: at(0.99) }];
    }),
  );
}

/**
 * Returns the time in milliseconds within which `share` of the requests finished. It interpolates linearly within a bucket, as Prometheus'
 * histogram_quantile does. Above the last finite bound it returns that bound; null when there was no request.
 *
 * @param buckets cumulative, with bounds in seconds
 */
export function quantile(buckets: readonly { upTo: number; count: number }[], share: number): number | null {
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0) return null;
  const rank = share * total;
  const index = buckets.findIndex(({ count }) => count >= rank);
  const { upTo, count } = buckets[index]!;
  const below = buckets[index - 1] ?? { upTo: 0, count: 0 };
  if (upTo === Number.POSITIVE_INFINITY) return below.upTo * 1000;
  const part = count === below.count ? 1 : (rank - below.count) / (count - below.count);
  return Math.round((below.upTo + part * (upTo - below.upTo)) * 1e6) / 1000;
}
