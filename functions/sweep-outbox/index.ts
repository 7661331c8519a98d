import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

const batch = 200;

/**
 * Publishes the events that other functions have written to the outbox in the same transaction as their rows. It removes an event from
 * the outbox only after the event is published. So an event may be published twice, but it is never lost.
 */
export default defineFunction(
  {
    name: 'sweep-outbox',
    summary: 'Publish the events in the outbox',
    trigger: { kind: 'cron', everyMinutes: 1, atStart: true, afterWrites: true },
    uses: ['records', 'events'],
    emits: [
      'freeface.enrollment.requested.v1',
      'freeface.enrollment.completed.v1',
      'freeface.enrollment.failed.v1',
      'freeface.enrollment.cancelled.v1',
      'freeface.face.enrolled.v1',
      'freeface.face.erased.v1',
      'freeface.person.created.v1',
      'freeface.person.updated.v1',
      'freeface.person.erased.v1',
    ],
    ...sizes.background,
  },
  async ({ signal, metrics }, { records, events }) => {
    let published = 0;
    for (;;) {
      const pending = await records.pendingOutbox(batch, { signal });
      const topics = new Set(pending.map(({ entry }) => entry.topic));
      for (const topic of topics) {
        const entries = pending.filter(({ entry }) => entry.topic === topic);
        await events.publish(
          topic,
          entries.map(({ entry }) => entry.event),
          { signal },
        );
        for (const { entry } of entries) metrics.eventsPublished.inc({ type: entry.event.type });
        await records.settleOutbox(
          entries.map(({ id }) => id),
          { signal },
        );
      }
      published += pending.length;
      if (pending.length < batch) return { published };
    }
  },
);
