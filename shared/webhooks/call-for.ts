import { outboxEntry } from '../events/catalogue.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Queue } from '../ports/webhooks.ts';

/** Publishes an event for each queue, so that a worker takes its turn. If an event gets lost, `callDue` finds the queue again. */
export async function callFor(
  queues: readonly Queue[],
  { clock, newId, traceparent, signal }: CallContext,
  { events }: Pick<Ports, 'events'>,
): Promise<void> {
  const entries = queues.map(({ tenant, queue }) =>
    outboxEntry('freeface.webhook.due.v1', {
      id: newId(),
      at: clock.now(),
      tenant,
      // One key for each queue: a broker that keeps the order of a key runs its turns one after another, and a slow queue uses one worker.
      key: queue,
      traceparent,
      data: { queue },
    }),
  );
  await events.publish(
    'freeface.webhooks',
    entries.map(({ event }) => event),
    { signal },
  );
}
