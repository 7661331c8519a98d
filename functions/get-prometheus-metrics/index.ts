import { priorities } from '../../shared/domain/priority.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { groupsIfKnown } from '../../shared/gallery/check-stores.ts';

export default defineFunction(
  {
    name: 'get-prometheus-metrics',
    summary: 'Show what the platform counts, for Prometheus',
    description:
      'Text exposition, or OpenMetrics where `Accept` prefers it. What is counted is the sum over all processes, those that have ended too, and of all tenants; gauges are of the process that answers; `freeface_gallery_…` is of your tenant. `/metrics` leads here too; give the scraper a key with the scope metrics:read as its bearer token.',
    tag: 'health',
    trigger: {
      kind: 'http',
      method: 'GET',
      path: '/api/v1/metrics/prometheus',
      aliases: ['/metrics'],
      scope: 'metrics:read',
    },
    output: { binary: ['text/plain', 'application/openmetrics-text'] },
    uses: ['records', 'events'],
    ...sizes.page,
  },
  async ({ tenant, clock, signal, metrics, headers }, { records, events }) => {
    const { persons, faces, bytes } = await records.usage(tenant, { signal });
    const unknownFaces = await records.countUnknownFaces(tenant, { signal });
    const backlog = await records.backlog({ signal });
    const groups = await groupsIfKnown({ events }, signal);
    metrics.outboxPending.set(backlog.outbox);
    for (const priority of priorities) metrics.jobsWaiting.set({ priority }, backlog.jobs[priority]);
    metrics.deadLetters.set(backlog.deadLetters);
    for (const { topic, group, waiting, oldestAt } of groups ?? []) {
      metrics.eventLag.set({ topic, group }, waiting);
      const age = oldestAt === null ? 0 : Math.max(0, clock.now() - oldestAt);
      metrics.eventLagSeconds.set({ topic, group }, age / 1000);
    }
    const { contentType, text } = await metrics.text(
      headers.accept,
      [
        { name: 'gallery_persons', help: 'Persons of the tenant that asks.', value: persons },
        { name: 'gallery_faces', help: 'Faces of the tenant that asks.', value: faces },
        {
          name: 'gallery_unknown_faces',
          help: 'Faces of the tenant that asks that belong to no person.',
          value: unknownFaces,
        },
        { name: 'gallery_image_bytes', help: 'Bytes of the images of the tenant that asks.', value: bytes },
      ],
      signal,
    );
    return { bytes: Buffer.from(text), contentType, headers: { 'cache-control': 'no-store' } };
  },
);
