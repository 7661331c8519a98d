import { describe, expect, it } from 'vitest';
import { embeddedOpeners } from '../../shared/adapters/embedded/index.ts';
import { AppError } from '../../shared/errors.ts';
import type { Openers } from '../../shared/function/ports.ts';
import type { Event } from '../../shared/ports/events.ts';
import { fakeClock } from '../../shared/testing/fake-clock.ts';
import { folderWithWeights, sharedPlatform, startPlatform, type TestPlatform } from '../../shared/testing/platform.ts';
import { drawPortrait, drawScene } from '../../shared/testing/portraits/index.ts';
import { functions } from '../registry.gen.ts';

const tenant = 'default' as never;
const path = '/api/v1/faces/enroll_async';
const withoutWorkers = functions.filter(({ manifest }) => !manifest.name.startsWith('process-enrollment'));

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const statusOf = async ({ call }: TestPlatform, id: string) =>
  (await call('GET', `/api/v1/faces/enroll/status/${id}`)).json;
/** Resolves when `count` jobs have ended. */
async function ended(platform: TestPlatform, count: number): Promise<Event[]> {
  const ends = (events: Event[]) => events.filter(({ type }) => /enrollment\.(completed|failed)/.test(type));
  let seen: Event[] = [];
  while (ends(seen).length < count) seen = await platform.events(seen.length + 1);
  return ends(seen);
}
async function jobImages({ ports }: TestPlatform): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of ports.images.keys(tenant)) if (key.startsWith('job.')) keys.push(key);
  return keys;
}

describe('faces/enroll_async', () => {
  it('When the published example is sent, then the response is as published, and the job has the result of faces/enroll', async () => {
    const platform = await startPlatform(functions);
    const { call } = platform;
    const json = {
      person_id: 'employee_123',
      image_data: base64(await drawPortrait({ person: 'amaro' })),
      priority: 'high',
      processing_options: { auto_associate: true, enable_multi_face: true, quality_threshold: 0.8 },
      webhook_url: 'https://example.com/hooks/faces',
    };

    const answer = await call('POST', path, { json });
    const [event] = await ended(platform, 1);

    const { face_id, job_id } = answer.json.data;
    expect([answer.status, answer.json]).toEqual([
      202,
      { success: true, data: { face_id, job_id, status: 'processing', estimated_completion: '< 30 seconds' } },
    ]);
    expect(event).toMatchObject({ type: 'freeface.enrollment.completed.v1', data: { job_id, face_id } });
    const { data } = await statusOf(platform, job_id);
    expect(data).toMatchObject({
      job_id,
      face_id,
      status: 'completed',
      priority: 'high',
      attempts: 1,
      result: { face_id, person_id: 'employee_123', status: 'enrolled', rejected: [] },
      error: null,
      webhook: { url: 'https://example.com/hooks/faces', status: 'pending' },
    });
    expect(data.timings.processing_ms).toBeGreaterThan(0);
    expect((await statusOf(platform, face_id)).data).toEqual(data);
    expect((await call('GET', '/api/v1/persons/employee_123')).json.data.face_count).toBe(1);
    const again = await call('POST', '/api/v1/faces/enroll', {
      json: { ...json, priority: undefined, webhook_url: undefined },
    });
    expect([again.status, again.json.data.face_id]).toEqual([200, face_id]);
    expect(await jobImages(platform)).toEqual([]);
  });

  it('When the photo shows no face, then the job fails with NO_FACE, the event is a dead letter, and the image is kept', async () => {
    const platform = await startPlatform(functions);

    const { json } = await platform.call('POST', path, { form: { person_id: 'nobody', image: await drawScene() } });
    await ended(platform, 1);

    expect((await statusOf(platform, json.data.job_id)).data).toMatchObject({
      status: 'failed',
      priority: 'normal',
      attempts: 1,
      result: null,
      error: { code: 'NO_FACE', message: expect.any(String), details: [{ field: 'image', issue: 'shows no face' }] },
      webhook: null,
    });
    expect(await deadLetters(platform, 1)).toMatchObject([
      { topic: 'freeface.enrollments.normal', group: 'process-enrollment-normal', status: 422, reason: 'NO_FACE' },
    ]);
    expect(await jobImages(platform)).toEqual([`job.${json.data.job_id}`]);
    expect((await platform.call('GET', '/api/v1/persons/nobody')).status).toBe(404);
  });

  it('When the event of a job is delivered ten times at once, then the job ends once and enrols one face', async () => {
    const dataDir = folderWithWeights();
    const before = await startPlatform(withoutWorkers, { dataDir });
    const { json } = await before.call('POST', path, {
      form: { external_id: 'once', priority: 'critical', image: await drawPortrait({ person: 'boris' }) },
    });
    const [requested] = await published(before, 'freeface.enrollments.critical', 1);
    const copies = Array.from({ length: 9 }, (_, i) => ({ ...requested!, partitionkey: `copy-${i}` }));
    await before.ports.events.publish('freeface.enrollments.critical', copies as Event[]);
    await before.close();

    const platform = await startPlatform(functions, { dataDir });
    const ends = await ended(platform, 1);
    await handled(platform, 10);

    expect(ends).toHaveLength(1);
    expect((await statusOf(platform, json.data.job_id)).data).toMatchObject({ status: 'completed' });
    expect((await platform.call('GET', '/api/v1/persons/by_external_id/once')).json.data.face_count).toBe(1);
    expect((await platform.ports.records.listFaces(tenant, {}, { limit: 10 })).items).toHaveLength(1);
    expect((await platform.ports.records.backlog()).deadLetters).toBe(0);
    expect(await jobImages(platform)).toEqual([]);
  });

  it('When a store fails for a while, then the job is retried and completed', async () => {
    let failures = 2;
    const openers: Openers = {
      ...embeddedOpeners,
      vectors: async (context) => {
        const vectors = await embeddedOpeners.vectors(context);
        return {
          ...vectors,
          upsert: async (...entries) => {
            if (failures-- > 0) throw new AppError('STORE_UNAVAILABLE');
            return vectors.upsert(...entries);
          },
        };
      },
    };
    const platform = await startPlatform(functions, { openers });

    const { json } = await platform.call('POST', path, {
      form: { person_id: 'patient', image: await drawPortrait({ person: 'kira' }) },
    });
    await ended(platform, 1);

    expect((await statusOf(platform, json.data.job_id)).data).toMatchObject({ status: 'completed', attempts: 3 });
    expect((await platform.call('GET', '/api/v1/persons/patient')).json.data.face_count).toBe(1);
  });

  it('When a store fails for good, then the job fails after the last attempt, and its error shows no internals', async () => {
    const clock = fakeClock();
    const openers: Openers = {
      ...embeddedOpeners,
      vectors: async (context) => ({
        ...(await embeddedOpeners.vectors(context)),
        upsert: () => Promise.reject(new Error('disk sda1 is on fire')),
      }),
    };
    const platform = await startPlatform(functions, { openers, clock });
    const { json } = await platform.call('POST', path, {
      form: { person_id: 'unlucky', image: await drawPortrait({ person: 'kira' }) },
    });
    const job = async () => platform.ports.records.getJob(tenant, json.data.job_id);

    while ((await job())!.finishedAt === null) {
      await clock.advance(1000);
      // The disk and the networks do not use the fake clock.
      while ((await job())!.underWaySince !== null) await clock.turn();
    }

    const { data } = await statusOf(platform, json.data.job_id);
    expect(data).toMatchObject({
      status: 'failed',
      attempts: 9,
      error: { code: 'INTERNAL', message: 'Something went wrong.' },
    });
    expect(await jobImages(platform)).toHaveLength(1);
    expect((await platform.call('GET', '/api/v1/persons/unlucky')).status).toBe(404);
  });

  it('When a job waits for hours, then its image is kept, and the job is completed when a worker starts', async () => {
    const dataDir = folderWithWeights();
    const clock = fakeClock();
    const before = await startPlatform(withoutWorkers, { dataDir, clock });
    const { json } = await before.call('POST', path, {
      form: { person_id: 'late', image: await drawPortrait({ person: 'amaro' }) },
    });
    for (let hour = 0; hour < 3; hour++) await clock.advance(60 * 60 * 1000);

    expect((await statusOf(before, json.data.job_id)).data).toMatchObject({
      status: 'queued',
      attempts: 0,
      timings: { waiting_ms: null, processing_ms: null },
    });
    expect(await jobImages(before)).toEqual([`job.${json.data.job_id}`]);
    await before.close();
    const after = await startPlatform(functions, { dataDir, clock });
    await ended(after, 1);

    expect((await statusOf(after, json.data.job_id)).data).toMatchObject({ status: 'completed' });
  });

  it('When the person is erased before the job runs, then the job and its image are gone, and no face is enrolled', async () => {
    const dataDir = folderWithWeights();
    const before = await startPlatform(withoutWorkers, { dataDir });
    await before.call('POST', '/api/v1/persons', { json: { person_id: 'erased', external_id: 'erased-ext' } });
    const image = await drawPortrait({ person: 'amaro' });
    const { json } = await before.call('POST', path, { form: { external_id: 'erased-ext', image } });

    await before.call('DELETE', '/api/v1/persons/erased');

    expect(await statusOf(before, json.data.job_id)).toMatchObject({ error: { code: 'JOB_NOT_FOUND' } });
    expect(await jobImages(before)).toEqual([]);
    await before.close();
    const after = await startPlatform(functions, { dataDir });
    await handled(after, 1);
    expect((await after.ports.records.listFaces(tenant, {}, { limit: 10 })).items).toEqual([]);
    expect((await after.call('GET', '/api/v1/persons/by_external_id/erased-ext')).status).toBe(404);
  });
});

describe('faces/enroll_async and its status, with wrong requests', () => {
  const platform = sharedPlatform(withoutWorkers);

  it.each([
    ['webhook_url', 'http://example.com/hook'],
    ['webhook_url', 'https://user:secret@example.com/hook'],
    ['webhook_url', 'ftp://example.com'],
    ['webhook_url', 'nonsense'],
    ['priority', 'urgent'],
    ['name', 'Ada'],
    ['captured_at', '2999-01-01T00:00:00Z'],
    ['person_id', '../x'],
  ])(
    'When %s is %s, then the response is 400 and names the field, and no job and no image is stored',
    async (field, value) => {
      const image = await drawPortrait({ person: 'amaro' });

      const answer = await platform().call('POST', path, { form: { image, [field]: value } });

      expect([answer.status, answer.json.error.details[0].field]).toEqual([400, field]);
      expect(await jobImages(platform())).toEqual([]);
    },
  );

  it('When a job is completed, then the audit log shows who requested it and what was enrolled', async () => {
    const platform = await startPlatform(functions);
    const json = { person_id: 'ada', image_data: base64(await drawPortrait({ person: 'amaro' })) };

    const { data } = (await platform.call('POST', path, { json })).json;
    await ended(platform, 1);

    const [done, asked] = (await platform.ports.audit.list(tenant, { personId: 'ada' }, { limit: 9 })).items;
    expect(asked).toMatchObject({ action: 'enroll-face-async', status: 202, details: { job_id: data.job_id } });
    expect(done).toMatchObject({
      action: 'process-enrollment-normal',
      actor: 'system',
      subjects: { persons: ['ada'], faces: [data.face_id] },
      details: { job_id: data.job_id },
    });
  });

  it('When the model pack is not loaded, then the request is rejected with STRATEGY_UNAVAILABLE', async () => {
    const form = { image: await drawPortrait({ person: 'amaro' }), strategy: 'high-accuracy' };

    expect((await platform().call('POST', path, { form })).json.error.code).toBe('STRATEGY_UNAVAILABLE');
  });

  it('When the id belongs to a face without a job, is unknown or is malformed, then no job is found', async () => {
    const { call } = platform();
    const enrolled = await call('POST', '/api/v1/faces/enroll', {
      form: { person_id: 'at-once', image: await drawPortrait({ person: 'kira' }) },
    });

    const codes = [];
    for (const id of [enrolled.json.data.face_id, '00000000-0000-4000-8000-000000000000', 'employee_123'])
      codes.push((await statusOf(platform(), id)).error.code);

    expect(codes).toEqual(['JOB_NOT_FOUND', 'JOB_NOT_FOUND', 'ID_MALFORMED']);
  });
});

/** The first `count` events of a topic, read by a separate consumer group. */
async function published({ ports }: TestPlatform, topic: string, count: number): Promise<Event[]> {
  const seen: Event[] = [];
  return new Promise((resolve) => {
    void ports.events.subscribe(
      {
        group: `reader-${topic}`,
        topic,
        delivery: { retry: 0, backoff: 'linear', backoffDelayMs: 1, timeoutMs: 1000 },
        concurrency: 1,
      },
      async (event) => {
        if (seen.push(event) === count) resolve(seen);
        return { status: 204 };
      },
    );
  });
}

/** Resolves when the process-enrollment functions have handled `count` events successfully. */
async function handled({ logs }: TestPlatform, count: number): Promise<void> {
  const answered = () =>
    logs.filter(
      ({ msg, event_type, status }) =>
        msg === 'event answered' && event_type === 'freeface.enrollment.requested.v1' && status === 204,
    ).length;
  while (answered() < count) await new Promise((resolve) => setImmediate(resolve));
}

async function deadLetters({ ports }: TestPlatform, count: number) {
  for (;;) {
    const letters = (await ports.records.listDeadLetters(tenant, {}, { limit: 100 })).items;
    if (letters.length >= count) return letters;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
