import { describe, expect, it } from 'vitest';
import { enrolPortrait, recognizePortrait } from '../../shared/testing/gallery.ts';
import { startPlatform } from '../../shared/testing/platform.ts';
import { drawPortrait } from '../../shared/testing/portraits/index.ts';
import { functions } from '../registry.gen.ts';

describe('metrics', () => {
  it('When the platform was used, then the metrics show what happened', async () => {
    const platform = await startPlatform(functions);
    await enrolPortrait(platform, { person: 'amaro' });
    await platform.call('POST', '/api/v1/faces/enroll', { form: { image: await drawPortrait({ person: 'kira' }) } });
    await recognizePortrait(platform, { person: 'amaro', scene: 'probe' });
    await recognizePortrait(platform, { person: 'amaro', scene: 'probe' });
    await platform.call('GET', '/api/v1/persons/nobody');
    await platform.events(3);

    const { status, json } = await platform.call('GET', '/api/v1/metrics');

    expect(status).toBe(200);
    const { data } = json;
    expect(data).toMatchObject({
      requests: { in_flight: 1, by_status: { 200: 2, 201: 2, 404: 1 } },
      gallery: { persons: 1, faces: 2, unknown_faces: 1, templates: 1, template_limit: 167, state: 'ok' },
      extractor: { in_work: 0, shed: 0 },
      jobs: { waiting: { critical: 0, high: 0, normal: 0, low: 0 }, mean_processing_ms: null },
      events: { outbox_pending: 0, published: 3, dead_letters: 0 },
      model: { pack: 'builtin' },
    });
    expect(data.gallery.expected_miss_rate).toBeGreaterThan(0);
    expect(data.gallery.image_bytes).toBeGreaterThan(1000);
    expect(data.cache.hits).toBeGreaterThan(0);
    expect(data.memory.resident_bytes).toBeGreaterThan(50_000_000);
    expect(Date.parse(data.started_at) + data.uptime_seconds * 1000).toBeLessThanOrEqual(Date.now() + 1000);
    const { count, p50_ms, p95_ms, p99_ms } = data.latencies['enroll-face'];
    expect(count).toBe(2);
    expect(p50_ms).toBeGreaterThan(1);
    expect(p95_ms).toBeGreaterThanOrEqual(p50_ms);
    expect(p99_ms).toBeGreaterThanOrEqual(p95_ms);
    expect(data.events.lag).toContainEqual({
      topic: 'freeface.enrollments.high',
      group: 'process-enrollment-high',
      waiting: 0,
      oldest_seconds: null,
    });
  });
});
