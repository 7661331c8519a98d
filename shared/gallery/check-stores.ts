import type { EventsState } from '../ports/events.ts';
import type { Ports } from '../ports/index.ts';
import { defaultTenant } from '../ports/tenant.ts';

export type StoreState = 'ok' | 'failing';
type CheckedPorts = Pick<Ports, 'records' | 'vectors' | 'images' | 'cache' | 'events' | 'webhooks'>;
export type StoreStates = Record<keyof CheckedPorts, StoreState>;

/** Milliseconds; a store that does not respond within this time counts as failing. */
const probeMs = 2000;

/** Sends a small request to every store. */
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

/** The state of the broker's consumer groups; null: the broker does not respond. */
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
 * The readiness of the platform from the state of its stores.
 *
 * [Note: Without a store]
 * - Without the cache all requests work, but slower ([Note: Answers without a cache]). Requests are not counted, so no rate limit
 *   applies ([Note: Limits that fail open]). Two requests are refused with 503 because they would be unsafe: a login, because nothing
 *   would limit password guessing ([Note: The lock comes first]), and a request with an Idempotency-Key ([Note: A key that cannot be
 *   kept]). Logged-in users stay logged in: sessions and keys are in the accounts.
 * - Without vectors, enrolment, search and recognition return 503 with Retry-After and store no data. faces/enroll_async still accepts
 *   photos (202), and the job runs when vectors are available again. Records, images and timelines can be read.
 * - Without events all synchronous requests work. Events stay in the outbox and are published later.
 * - Without images no face is enrolled and no image is shown. Recognition and search work.
 * - Without webhooks all requests work except those about webhooks, and the status of a job that has a webhook_url. Notifications for
 *   receivers are retried for about two minutes; then they become dead letters, which can be replayed.
 * - Without records only probes work, and the platform is not ready.
 * A platform without one of the other stores stays ready, as 'degraded': it can do most of its work, so it must stay in the load balancer.
 */
export function readinessOf({ records, ...others }: StoreStates): 'ready' | 'degraded' | 'unready' {
  if (records === 'failing') return 'unready';
  return Object.values(others).includes('failing') ? 'degraded' : 'ready';
}
