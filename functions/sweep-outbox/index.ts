import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

const batch = 200;

/**
 * Publishes the events that were written together with a row. Publishing comes before forgetting, so that an event may go
 * out twice but never not at all.
 */
export default defineFunction(
  {
    name: 'sweep-outbox',
    summary: 'Publish events that wait in the outbox',
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
