import { outboxEntry } from '../events/catalogue.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Queue } from '../ports/webhooks.ts';

/** Calls for somebody to take the turn of each queue. Should it get lost, `callDue` finds them again. */
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
      // Turns of one queue never overlap where the broker keeps the order of a key, and take one place among many.
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
