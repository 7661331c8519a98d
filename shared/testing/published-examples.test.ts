import { describe, expect, it } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { sharedPlatform } from './platform.ts';
import { drawPortrait } from './portraits/index.ts';

/** Responses that the documentation shows word for word. */
describe('the published examples', () => {
  const platform = sharedPlatform(functions);

  it('When persons are requested by external ids, then the response has the published message and fields', async () => {
    const { call } = platform();
    for (const external_id of ['ext_001', 'ext_003']) await call('POST', '/api/v1/persons', { json: { external_id } });

    const { status, json } = await call(
      'GET',
      '/api/v1/persons/by_external_ids?external_ids=ext_001,ext_002,ext_003&limit=50',
    );

    expect([status, Object.keys(json)]).toEqual([200, ['success', 'message', 'data']]);
    expect(json).toEqual({
      success: true,
      message: 'Found 2 persons for 3 external_ids',
      data: {
        persons: [
          expect.objectContaining({ external_id: 'ext_001' }),
          expect.objectContaining({ external_id: 'ext_003' }),
        ],
        next_page_token: null,
        has_more: false,
        external_ids: ['ext_001', 'ext_002', 'ext_003'],
      },
    });
    const one = await call('GET', '/api/v1/persons/by_external_id/ext_001');
    expect(one.json).toEqual({
      success: true,
      message: 'Person found for external_id: ext_001',
      data: json.data.persons[0],
    });
  });

  it('When a photo is sent to enroll_async, then the response equals the published one, and the person is created soon', async () => {
    const { call, events } = platform();
    const image_data = Buffer.from(await drawPortrait({ person: 'amaro' })).toString('base64');

    const { status, bytes } = await call('POST', '/api/v1/faces/enroll_async', {
      json: {
        person_id: 'employee_123',
        image_data,
        priority: 'high',
        processing_options: { auto_associate: true, enable_multi_face: true, quality_threshold: 0.8 },
        webhook_url: 'https://example.com/webhooks/enrollment',
      },
    });

    expect(status).toBe(202);
    expect(Buffer.from(bytes).toString()).toMatch(
      /^\{"success":true,"data":\{"face_id":"[0-9a-f-]{36}","job_id":"[0-9a-f-]{36}","status":"processing","estimated_completion":"< 30 seconds"\}\}$/,
    );
    let seen = await events(1);
    while (!seen.some(({ type }) => type === 'freeface.enrollment.completed.v1')) seen = await events(seen.length + 1);
    expect((await call('GET', '/api/v1/persons/employee_123')).json.data).toMatchObject({ face_count: 1 });
  });

  it.each([
    ['/health', '/api/v1/health'],
    ['/health/ready', '/api/v1/health/ready'],
    ['/health/live', '/api/v1/health/live'],
  ])(
    'When %s is requested without the prefix and without a key, then the response is the same as with the prefix',
    async (short, path) => {
      const { call } = platform();

      const [bare, whole] = [await call('GET', short, { as: null }), await call('GET', path, { as: null })];

      expect(bare.status).toBe(200);
      expect(bare.json).toEqual(whole.json);
    },
  );

  it('When /metrics is requested with a key that may read metrics, then the response is 200', async () => {
    const { call } = platform();

    const answer = await call('GET', '/metrics');

    expect(answer.status).toBe(200);
    expect(Buffer.from(answer.bytes).toString()).toContain('# TYPE freeface_http_requests_total counter');
  });
});
