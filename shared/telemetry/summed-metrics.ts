import { type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client';

/** Values of counters, by the name of their series: see `seriesOf`. */
export type Counts = ReadonlyMap<string, number>;

const prefix = 'freeface_';
type Value = MetricValue<string> & { readonly metricName?: string };
type Metric = MetricObjectWithValues<MetricValue<string>>;

/** Name of one series of a metric. A counter has one series per label set; a histogram has buckets, a sum and a count. */
const seriesOf = (metric: string, { labels, metricName = metric }: Value): string =>
  JSON.stringify([metric, metricName, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);

/** Counters and histograms of FreeFace in this registry. Gauges and the default metrics of Node are not included. */
export async function countsIn(registry: Registry): Promise<Counts> {
  const counts = new Map<string, number>();
  for (const { name, type, values } of await metricsOf(registry)) {
    if (!isCounted(name, String(type))) continue;
    for (const value of values) if (value.value !== 0) counts.set(seriesOf(name, value), value.value);
  }
  return counts;
}

/** Returns a copy of the registry with the counts of other processes added. Metrics that this process does not have are left out. */
export async function summed(registry: Registry, others: Counts): Promise<Registry> {
  const ofMetric = new Map<string, [string, number][]>();
  for (const [series, count] of others) {
    const [metric] = JSON.parse(series) as [string];
    ofMetric.set(metric, [...(ofMetric.get(metric) ?? []), [series, count]]);
  }
  const sums = new Registry();
  for (const metric of await metricsOf(registry)) {
    const more = new Map(ofMetric.get(metric.name));
    const values: Value[] = metric.values.map((value) => {
      const series = seriesOf(metric.name, value);
      const added = more.get(series) ?? 0;
      more.delete(series);
      return { ...value, value: value.value + added };
    });
    const isKnown = isCounted(metric.name, String(metric.type));
    const shown = { ...metric, values: isKnown ? [...values, ...[...more].map(sampleOf)] : metric.values };
    sums.registerMetric({ ...shown, get: async () => shown } as never);
  }
  return sums;
}

const isCounted = (name: string, type: string): boolean =>
  name.startsWith(prefix) && (type === 'counter' || type === 'histogram');

function sampleOf([series, value]: [string, number]): Value {
  const [metric, metricName, labels] = JSON.parse(series) as [string, string, [string, string | number][]];
  return { labels: Object.fromEntries(labels), value, ...(metricName === metric ? {} : { metricName }) };
}

const metricsOf = async (registry: Registry): Promise<Metric[]> =>
  (await registry.getMetricsAsJSON()) as unknown as Metric[];
