import { describe, expect, it } from 'vitest';
import { startPlatform } from '../../shared/testing/platform.ts';
import { functions } from '../registry.gen.ts';

const withoutExtractor = functions.filter(({ manifest }) => !manifest.uses.includes('extractor'));

describe('health', () => {
  it('When all stores answer, then the platform is ok, ready and alive, at the paths with and without the prefix', async () => {
    const { call } = await startPlatform(withoutExtractor);

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
    const { call, ports } = await startPlatform(withoutExtractor);
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
});
