import type { Ports } from '../ports/index.ts';
import { defaultTenant } from '../ports/tenant.ts';

export type StoreState = 'ok' | 'failing';
type CheckedPorts = Pick<Ports, 'records' | 'vectors' | 'images' | 'cache' | 'events'>;

/** Asks every store for something small that has to be there or be absent. */
export async function checkStores(
  ports: CheckedPorts,
  signal: AbortSignal,
): Promise<Record<keyof CheckedPorts, StoreState>> {
  const probes: Record<keyof CheckedPorts, () => Promise<unknown>> = {
    records: () => ports.records.getPersons(defaultTenant, ['health-check'], { signal }),
    vectors: () => ports.vectors.remove(defaultTenant, [], { signal }),
    images: () => ports.images.get(defaultTenant, 'health-check', { signal }),
    cache: () => ports.cache.get(defaultTenant, 'health-check', { signal }),
    events: () => ports.events.state({ signal }),
  };
  const states = await Promise.all(
    Object.entries(probes).map(
      async ([name, probe]) =>
        [
          name,
          await probe().then<StoreState, StoreState>(
            () => 'ok',
            () => 'failing',
          ),
        ] as const,
    ),
  );
  return Object.fromEntries(states) as Record<keyof CheckedPorts, StoreState>;
}
