import { Gauge, openMetricsContentType, prometheusContentType, Registry, type RegistryContentType } from 'prom-client';

/** A number of one tenant. It is part of one response and not of the process's registry. */
export interface TenantGauge {
  /** Without the prefix `freeface_`. Ends with its unit, if it has one. */
  readonly name: string;
  readonly help: string;
  readonly value: number;
}

export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** Returns OpenMetrics if the `Accept` header prefers it to plain text, otherwise the Prometheus text format. */
export async function exposition(
  registry: Registry,
  accept: string | undefined,
  ofTenant: readonly TenantGauge[],
): Promise<Exposition> {
  const tenantRegistry = new Registry();
  for (const { name, help, value } of ofTenant) {
    new Gauge({ name: `freeface_${name}`, help, registers: [tenantRegistry] }).set(value);
  }
  const merged = Registry.merge([registry, tenantRegistry]) as Registry<RegistryContentType>;
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
