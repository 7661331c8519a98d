import { describe, expect, it } from 'vitest';
import { fillGallery } from '../../shared/testing/gallery.ts';
import { startPlatform } from '../../shared/testing/platform.ts';
import { functions } from '../registry.gen.ts';

const probes = functions.filter(({ manifest }) => /^get-(health|readiness|liveness)$/.test(manifest.name));

describe('health', () => {
  it('When all stores answer, then the platform is ok, ready and alive, at the paths with and without the prefix', async () => {
    const { call } = await startPlatform(probes);

    const answers = await Promise.all(
      ['/api/v1/health', '/health', '/api/v1/health/ready', '/health/ready', '/api/v1/health/live'].map((path) =>
        call('GET', path),
      ),
    );

    expect(answers.map(({ status, json }) => [status, json.data.status])).toEqual([
      [200, 'ok'],
      [200, 'ok'],
      [200, 'ready'],
      [200, 'ready'],
      [200, 'alive'],
    ]);
  });

  it('When the events and webhooks stores fail, then the platform is degraded, but still ready and alive', async () => {
    const { call, ports } = await startPlatform(probes);
    await Promise.all([ports.events.close(), ports.webhooks.close()]);

    const [health, ready, live] = await Promise.all(
      ['/health', '/health/ready', '/api/v1/health/live'].map((path) => call('GET', path)),
    );

    expect(health?.json.data).toMatchObject({
      status: 'degraded',
      stores: { events: 'failing', webhooks: 'failing', records: 'ok' },
    });
    expect(ready?.json.data).toMatchObject({
      status: 'degraded',
      stores: { events: 'failing', webhooks: 'failing', vectors: 'ok' },
    });
    expect([ready?.status, live?.status]).toEqual([200, 200]);
  });

  it('When the gallery grows, then health shows how far it is from the limit, without a count', async () => {
    const platform = await startPlatform(probes);
    const gallery = async () => (await platform.call('GET', '/health', { as: null })).json.data.gallery;

    const empty = await gallery();
    await fillGallery(platform, 151);
    const near = await gallery();
    await fillGallery(platform, 500);
    const beyond = await gallery();

    expect(empty).toEqual({ state: 'ok', template_limit: 167, used: 0 });
    expect(near).toEqual({ state: 'near_limit', template_limit: 167, used: 0.9 });
    expect(beyond).toEqual({ state: 'beyond_limit', template_limit: 167, used: 3 });
  });

  it('When the vectors fail, then the size of the gallery is unknown', async () => {
    const { call, ports } = await startPlatform(probes);
    await ports.vectors.close();

    const { status, json } = await call('GET', '/health');

    expect([status, json.data.gallery]).toEqual([200, { state: 'unknown', template_limit: null, used: null }]);
  });
});
