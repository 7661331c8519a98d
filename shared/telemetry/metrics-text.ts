import { Gauge, openMetricsContentType, prometheusContentType, Registry, type RegistryContentType } from 'prom-client';

/** A number that belongs to one tenant, and so to one answer rather than to the process. */
export interface TenantGauge {
  /** Without the prefix; with its unit where it has one. */
  readonly name: string;
  readonly help: string;
  readonly value: number;
}

export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** OpenMetrics for those who ask for it before plain text, Prometheus text for everybody else. */
export async function exposition(
  registry: Registry,
  accept: string | undefined,
  ofTenant: readonly TenantGauge[],
): Promise<Exposition> {
  const own = new Registry();
  for (const { name, help, value } of ofTenant) {
    new Gauge({ name: `freeface_${name}`, help, registers: [own] }).set(value);
  }
  const merged = Registry.merge([registry, own]) as Registry<RegistryContentType>;
  merged.setContentType(prefersOpenMetrics(accept) ? openMetricsContentType : prometheusContentType);
  return { contentType: merged.contentType, text: await merged.metrics() };
}

function prefersOpenMetrics(accept = ''): boolean {
  const weight = (type: string): number => {
    const range = accept.split(',').find((each) => each.trim().toLowerCase().startsWith(type));
    return range === undefined ? 0 : Number(/;\s*q=([0-9.]+)/.exec(range)?.[1] ?? 1);
  };
  return weight('application/openmetrics-text') > weight('text/plain');
}
