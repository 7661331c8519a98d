import * as z from 'zod';
import * as wire from '../../shared/api/gallery.ts';
import { gallerySize, presentGallerySize } from '../../shared/api/gallery-size.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { groupsIfKnown } from '../../shared/gallery/check-stores.ts';
import { gallerySizeIfKnown } from '../../shared/gallery/gallery-size.ts';

const count = z.number().int();
const milliseconds = z.number().nullable();

export default defineFunction(
  {
    name: 'get-metrics',
    summary: 'Show the metrics of the platform',
    description:
      'Requests, latencies, cache lookups, rejected images (`shed`) and published events are the sum over all processes and all tenants. In embedded mode there is one process, and it counts from its start. `in_flight`, `in_work` and `memory` describe the process that sends the response. `jobs` and `events` cover all tenants. `gallery` covers your tenant. Latencies are estimates from histograms. `metrics/prometheus` has more metrics.',
    tag: 'health',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/metrics', scope: 'metrics:read' },
    output: z.object({
      started_at: z.string(),
      uptime_seconds: z.number(),
      requests: z.object({ total: count, in_flight: count, by_status: z.record(z.string(), count) }),
      latencies: z
        .record(z.string(), z.object({ count, p50_ms: milliseconds, p95_ms: milliseconds, p99_ms: milliseconds }))
        .describe('Latencies of each function.'),
      gallery: z.object({
        persons: count,
        faces: count,
        unknown_faces: count.describe('Faces that belong to no person.'),
        image_bytes: count,
        ...gallerySize,
      }),
      extractor: z.object({ in_work: count.describe('Images that are in the extractor or wait for it.'), shed: count }),
      cache: z.object({ hits: count, misses: count }),
      jobs: z.object({
        waiting: z.object({ critical: count, high: count, normal: count, low: count }),
        mean_processing_ms: z.number().nullable().describe('Mean processing time of the latest jobs.'),
      }),
      events: z.object({
        outbox_pending: count,
        published: count,
        dead_letters: count,
        lag: z
          .array(
            z.object({
              topic: z.string(),
              group: z.string(),
              waiting: count,
              oldest_seconds: z.number().nullable(),
            }),
          )
          .nullable()
          .describe('null: the broker does not answer.'),
      }),
      memory: z.object({
        resident_bytes: count,
        heap_used_bytes: count,
        heap_total_bytes: count,
        external_bytes: count,
      }),
      model: z.object({ pack: z.string(), id: z.string() }).describe('The default model pack.'),
    }),
    uses: ['records', 'vectors', 'events', 'extractor'],
    ...sizes.page,
  },
  async ({ tenant, clock, signal, metrics }, { records, vectors, events, extractor }) => {
    const now = clock.now();
    const uptime = process.uptime();
    const report = await metrics.report(signal);
    const { persons, faces, bytes } = await records.usage(tenant, { signal });
    const unknownFaces = await records.countUnknownFaces(tenant, { signal });
    const backlog = await records.backlog({ signal });
    const groups = await groupsIfKnown({ events }, signal);
    const size = await gallerySizeIfKnown(tenant, { vectors, extractor }, signal);
    const { pack, space } = await extractor.describe(undefined, { signal });
    const memory = process.memoryUsage();
    return {
      data: {
        started_at: wire.presentTime(now - Math.round(uptime * 1000)),
        uptime_seconds: Math.round(uptime * 10) / 10,
        requests: {
          total: report.requests.total,
          in_flight: report.requests.inFlight,
          by_status: report.requests.byStatus,
        },
        latencies: Object.fromEntries(
          Object.entries(report.latencies).map(([name, { count: total, p50, p95, p99 }]) => [
            name,
            { count: total, p50_ms: p50, p95_ms: p95, p99_ms: p99 },
          ]),
        ),
        gallery: {
          persons,
          faces,
          unknown_faces: unknownFaces,
          image_bytes: bytes,
          ...presentGallerySize(size),
        },
        extractor: { in_work: report.extractor.inWork, shed: report.extractor.shed },
        cache: report.cache,
        jobs: {
          waiting: { ...backlog.jobs },
          mean_processing_ms: backlog.meanProcessingMs === null ? null : Math.round(backlog.meanProcessingMs),
        },
        events: {
          outbox_pending: backlog.outbox,
          published: report.eventsPublished,
          dead_letters: backlog.deadLetters,
          lag:
            groups?.map(({ topic, group, waiting, oldestAt }) => ({
              topic,
              group,
              waiting,
              oldest_seconds: oldestAt === null ? null : Math.max(0, Math.round((now - oldestAt) / 1000)),
            })) ?? null,
        },
        memory: {
          resident_bytes: memory.rss,
          heap_used_bytes: memory.heapUsed,
          heap_total_bytes: memory.heapTotal,
          external_bytes: memory.external,
        },
        model: { pack, id: space },
      },
    };
  },
);
