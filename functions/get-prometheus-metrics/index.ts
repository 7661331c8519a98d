import type { GallerySize } from '../../shared/domain/gallery-size.ts';
import { priorities } from '../../shared/domain/priority.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { groupsIfKnown } from '../../shared/gallery/check-stores.ts';
import { gallerySizeIfKnown } from '../../shared/gallery/gallery-size.ts';

export default defineFunction(
  {
    name: 'get-prometheus-metrics',
    summary: 'Show the metrics of the platform for Prometheus',
    description:
      'The format is the Prometheus text format, or OpenMetrics if `Accept` prefers it. Counters and histograms are the sum over all tenants and all processes, including processes that have ended. Gauges describe the process that sends the response. `freeface_gallery_…` covers your tenant. `/metrics` is another path to this function. Give the scraper a key with the scope `metrics:read` as its bearer token.',
    tag: 'health',
    trigger: {
      kind: 'http',
      method: 'GET',
      path: '/api/v1/metrics/prometheus',
      aliases: ['/metrics'],
      scope: 'metrics:read',
    },
    output: { binary: ['text/plain', 'application/openmetrics-text'] },
    uses: ['records', 'vectors', 'events', 'extractor'],
    ...sizes.page,
  },
  async ({ tenant, clock, signal, metrics, headers }, { records, vectors, events, extractor }) => {
    const { persons, faces, bytes } = await records.usage(tenant, { signal });
    const unknownFaces = await records.countUnknownFaces(tenant, { signal });
    const size = await gallerySizeIfKnown(tenant, { vectors, extractor }, signal);
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
        { name: 'gallery_persons', help: 'Persons of the tenant of the caller.', value: persons },
        { name: 'gallery_faces', help: 'Faces of the tenant of the caller.', value: faces },
        {
          name: 'gallery_unknown_faces',
          help: 'Faces of the tenant of the caller that belong to no person.',
          value: unknownFaces,
        },
        { name: 'gallery_image_bytes', help: 'Bytes of the images of the tenant of the caller.', value: bytes },
        ...sizeGauges(size),
      ],
      signal,
    );
    return { bytes: Buffer.from(text), contentType, headers: { 'cache-control': 'no-store' } };
  },
);

/** Without a gauge whose value is not known. */
function sizeGauges(size: GallerySize | null) {
  const gauges = [
    {
      name: 'gallery_templates',
      help: 'Templates of the default model pack that belong to a person, of the tenant of the caller.',
      value: size?.templates ?? null,
    },
    {
      name: 'gallery_template_limit',
      help: 'Number of templates above which the default model pack misses more than 20 % of the enrolled persons.',
      value: size?.limit ?? null,
    },
    {
      name: 'gallery_expected_miss_ratio',
      help: 'Expected share of the enrolled persons who are missed at an FPIR of 1 %, 0 to 1.',
      value: size?.expectedMissRate ?? null,
    },
  ];
  return gauges.flatMap(({ value, ...gauge }) => (value === null ? [] : [{ ...gauge, value }]));
}
