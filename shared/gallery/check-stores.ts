import type { EventsState } from '../ports/events.ts';
import type { Ports } from '../ports/index.ts';
import { defaultTenant } from '../ports/tenant.ts';

export type StoreState = 'ok' | 'failing';
type CheckedPorts = Pick<Ports, 'records' | 'vectors' | 'images' | 'cache' | 'events' | 'webhooks'>;
export type StoreStates = Record<keyof CheckedPorts, StoreState>;

/** A store that answers later than this fails whoever asks for its state, and whoever has a shorter patience. */
const probeMs = 2000;

/** Asks every store for something small that has to be there or be absent. */
export async function checkStores(ports: CheckedPorts, signal: AbortSignal): Promise<StoreStates> {
  const inTime = { signal: soon(signal) };
  const probes: Record<keyof CheckedPorts, () => Promise<unknown>> = {
    records: () => ports.records.getPersons(defaultTenant, ['health-check'], inTime),
    vectors: () => ports.vectors.remove(defaultTenant, [], inTime),
    images: () => ports.images.get(defaultTenant, 'health-check', inTime),
    cache: () => ports.cache.get(defaultTenant, 'health-check', inTime),
    events: () => ports.events.state(inTime),
    webhooks: () => ports.webhooks.getWebhook(defaultTenant, 'health-check', inTime),
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
  return Object.fromEntries(states) as StoreStates;
}

/** What the broker says of its groups; null: it does not answer. */
export async function groupsIfKnown(
  { events }: Pick<Ports, 'events'>,
  signal: AbortSignal,
): Promise<EventsState['groups'] | null> {
  return await events.state({ signal: soon(signal) }).then(
    ({ groups }) => groups,
    () => {
      signal.throwIfAborted();
      return null;
    },
  );
}

const soon = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(probeMs)]);

/**
 * What the platform can do without some of its stores.
 *
 * [Note: Without a store]
 * - Without the cache everything is answered, slower ([Note: Answers without a cache]); requests are not counted, so no limit holds
 *   ([Note: Limits that fail open]). Two things are refused with 503 because they would be unsafe: trying a password, which nobody
 *   could stop from being guessed ([Note: The lock comes first]), and a call with an Idempotency-Key ([Note: A key that cannot be
 *   kept]). Whoever is logged in stays so: sessions and keys are in the accounts.
 * - Without vectors nobody is enrolled, searched or recognised now: 503 with Retry-After, and nothing is left behind. faces/enroll_async
 *   accepts (202), and the job is done when they are back. Records, images and timelines are read as ever.
 * - Without events everything that is answered at once goes on. What was written stays in the outbox and goes out later.
 * - Without images nobody is enrolled, and no picture is shown; recognition and search go on.
 * - Without webhooks everything but their own calls is answered, and the state of a job that names a webhook_url. What receivers are to be
 *   told is tried again, for about two minutes; then it is a dead letter, to be replayed.
 * - Without records nothing but probes is answered, and the platform is not ready.
 * Readiness says so: taking a platform that can still do most of its work out of the balance would make a part's outage the whole's.
 */
export function readinessOf({ records, ...others }: StoreStates): 'ready' | 'degraded' | 'unready' {
  if (records === 'failing') return 'unready';
  return Object.values(others).includes('failing') ? 'degraded' : 'ready';
}
