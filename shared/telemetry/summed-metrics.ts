import { type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client';

/** What is counted, by the name of each series: see `seriesOf`. */
export type Counts = ReadonlyMap<string, number>;

const prefix = 'freeface_';
type Value = MetricValue<string> & { readonly metricName?: string };
type Metric = MetricObjectWithValues<MetricValue<string>>;

/** The name of one series of a metric: its counter, or one of a histogram's buckets, its sum or its count. */
const seriesOf = (metric: string, { labels, metricName = metric }: Value): string =>
  JSON.stringify([metric, metricName, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);

/** Everything that a process itself has counted; gauges and what Node says of itself are no counts. */
export async function countsIn(registry: Registry): Promise<Counts> {
  const counts = new Map<string, number>();
  for (const { name, type, values } of await metricsOf(registry)) {
    if (!isCounted(name, String(type))) continue;
    for (const value of values) if (value.value !== 0) counts.set(seriesOf(name, value), value.value);
  }
  return counts;
}

/** The same registry as it is now, with what others have counted added. Names that this process does not know are left out. */
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
