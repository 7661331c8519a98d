import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { outboxEntry } from '../../shared/events/catalogue.ts';
import { defaultTenant } from '../../shared/ports/tenant.ts';
import type { LoggedMessage } from '../../shared/ports/webhooks.ts';
import { deferred } from '../../shared/testing/deferred.ts';
import { type FakeClock, fakeClock } from '../../shared/testing/fake-clock.ts';
import { sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { startPlatform } from '../../shared/testing/platform.ts';
import { newJob } from '../../shared/testing/record-factories.ts';
import { temporaryFolder } from '../../shared/testing/temporary-folder.ts';
import { type ReceivedCall, startReceiver } from '../../shared/testing/webhook-receiver.ts';

const path = '/api/v1/webhooks';
const second = 1000;
const minute = 60 * second;

it('When a person is created and changed, then the receiver gets one message for each, in the standard form, with ids only', async () => {
  const receiver = await startReceiver();
  const { platform, create } = await setUp();
  const { secret } = await create({ url: receiver.url });

  const { call } = platform;
  await call('POST', '/api/v1/persons', { json: { person_id: 'ada', name: 'Ada Lovelace', external_id: 'ext-1' } });
  const [created] = await receiver.received(1);
  await call('PUT', '/api/v1/persons/ada', { json: { name: 'Ada King' } });
  await receiver.received(2);

  const [first, second] = receiver.calls.map((each) => verified(secret, each));
  expect(first).toEqual({
    type: 'person.created',
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    data: { person_id: 'ada' },
  });
  expect(second).toMatchObject({ type: 'person.updated', data: { person_id: 'ada', version: 2 } });
  expect(created!.headers['content-type']).toBe('application/json');
  expect(receiver.calls.map(({ body }) => body).join()).not.toMatch(/Lovelace|King|ext-1/);
});

it('When an event is delivered ten times, then the receiver gets one message', async () => {
  const receiver = await startReceiver();
  const { platform, create, clock } = await setUp();
  await create({ url: receiver.url });
  const { topic, event } = personCreated('twin', clock.now());

  await platform.ports.events.publish(topic, Array(10).fill(event));
  await platform.ports.events.publish(topic, [personCreated('last', clock.now()).event]);

  await receiver.received(2);
  const people = receiver.calls.map(({ body }) => JSON.parse(body).data.person_id);
  expect(people.sort()).toEqual(['last', 'twin']);
});

it('When a webhook has other event types or is disabled, then it gets no message', async () => {
  const [faces, disabled, all] = [await startReceiver(), await startReceiver(), await startReceiver()];
  const { platform, create } = await setUp();
  await create({ url: faces.url, event_types: ['face.enrolled'] });
  const { webhook_id } = await create({ url: disabled.url });
  await create({ url: all.url });
  await platform.call('PUT', `${path}/${webhook_id}`, { json: { disabled: true } });

  await platform.call('POST', '/api/v1/persons', { json: { person_id: 'ada' } });

  await all.received(1);
  expect([faces.calls, disabled.calls]).toEqual([[], []]);
});

it('When the receiver fails, then the message is retried on schedule, with the same id and body, until it is accepted', async () => {
  const receiver = await startReceiver((_, index) => (index < 3 ? 500 : 204));
  const { platform, create, clock, message } = await setUp();
  const { webhook_id: id } = await create({ url: receiver.url });
  await platform.call('POST', '/api/v1/persons', { json: { person_id: 'ada' } });
  const pauses = [];

  for (const [tries, wait] of [10 * second, 6 * minute, 34 * minute].entries()) {
    await receiver.received(tries + 1);
    const { dueAt } = await message(id, ({ attempts }) => attempts.length === tries + 1);
    pauses.push(Math.round((dueAt! - clock.now()) / second));
    await clock.advance(wait);
  }

  await receiver.received(4);
  const done = await message(id, ({ status }) => status === 'delivered');
  expect(pauses[0]).toBeLessThanOrEqual(6);
  expect(pauses[1]! / 60).toBeCloseTo(5, 0);
  expect(done.attempts.map(({ status }) => status)).toEqual([500, 500, 500, 204]);
  expect(new Set(receiver.calls.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(new Set(receiver.calls.map(({ body }) => body)).size).toBe(1);
  expect(new Set(receiver.calls.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(4);
});

it('When the receiver fails for more than a day, then the message is dead, is listed as dead, and can be sent again', async () => {
  const receiver = await startReceiver((_, index) => (index < 8 ? 503 : 204));
  const { platform, create, clock, message } = await setUp();
  const { webhook_id: id } = await create({ url: receiver.url });
  await platform.call('POST', '/api/v1/persons', { json: { person_id: 'ada' } });

  for (let tries = 1; tries < 8; tries++) {
    await receiver.received(tries);
    const { dueAt } = await message(id, ({ attempts }) => attempts.length === tries);
    await clock.advance(dueAt! - clock.now() + 10 * second);
  }
  await receiver.received(8);
  await message(id, ({ status }) => status === 'dead');

  const listed = await platform.call('GET', `${path}/${id}/deliveries?status=dead`);
  const [dead] = listed.json.data.deliveries;
  expect([dead.attempts.length, dead.next_attempt_at]).toEqual([8, null]);
  // The circuit breaker of the receiver is open, so the message is sent some minutes later.
  await platform.call('POST', `${path}/${id}/deliveries/${dead.message_id}/redeliver`);
  await clock.advance(11 * minute);
  await receiver.received(9);
  expect((await message(id, ({ status }) => status === 'delivered')).attempts).toHaveLength(9);
});

it('When the process ends before a retry, then the next process does the retry', async () => {
  const receiver = await startReceiver((_, index) => (index === 0 ? 500 : 204));
  const dataDir = temporaryFolder();
  const clock = fakeClock(Date.now());
  const before = await setUp({ dataDir, clock });
  const { webhook_id: id } = await before.create({ url: receiver.url });
  await before.platform.call('POST', '/api/v1/persons', { json: { person_id: 'ada' } });
  await before.message(id, ({ attempts }) => attempts.length === 1);
  await before.platform.close();
  await clock.advance(minute);

  const after = await setUp({ dataDir, clock });
  await clock.advance(10 * second);

  await receiver.received(2);
  expect((await after.message(id, ({ status }) => status === 'delivered')).attempts).toHaveLength(2);
});

it('When the receiver answers 410, then the webhook is disabled, the audit log shows this, and the message is dead', async () => {
  const receiver = await startReceiver(() => 410);
  const { platform, create, message } = await setUp();
  const { webhook_id: id } = await create({ url: receiver.url });

  await platform.call('POST', '/api/v1/persons', { json: { person_id: 'ada' } });

  await message(id, ({ status }) => status === 'dead');
  const { json } = await platform.call('GET', `${path}/${id}`);
  const audit = await platform.call('GET', '/api/v1/audit?action=deliver-webhook');
  expect(json.data).toMatchObject({ disabled: true, disabled_reason: 'gone' });
  expect(audit.json.data.entries).toMatchObject([{ actor: 'system', details: { webhook_id: id, disabled: 'gone' } }]);
  expect(receiver.calls).toHaveLength(1);
});

it('When thirty receivers are slow, then a quick one still gets all messages, and each slow one gets one request at a time', async () => {
  const release = deferred<number>();
  const slow = await startReceiver(() => release.promise);
  const quick = await startReceiver();
  const { platform, create } = await setUp();
  for (let i = 0; i < 30; i++) await create({ url: `${slow.url}/${i}` });
  await create({ url: quick.url });

  for (const id of ['a', 'b', 'c', 'd', 'e']) {
    await platform.call('POST', '/api/v1/persons', { json: { person_id: id } });
  }
  await quick.received(5);
  await slow.received(30);

  expect(slow.calls.map(({ path }) => path).length).toBe(new Set(slow.calls.map(({ path }) => path)).size);
  release.resolve(204);
  await slow.received(150);
});

it('When a receiver fails several times in a row, then its other messages wait without attempts until one is accepted', async () => {
  let broken = true;
  const receiver = await startReceiver(() => (broken ? 500 : 204));
  const { platform, create, clock, messages, until } = await setUp();
  const { webhook_id: id } = await create({ url: receiver.url });

  for (let i = 0; i < 12; i++) await platform.call('POST', '/api/v1/persons', { json: { person_id: `p${i}` } });
  await receiver.received(5);
  await until(async () => (await messages(id)).length === 12);
  await until(async () => (await platform.context.metrics.breakers.get()).values.some(({ value }) => value === 1));

  expect((await messages(id)).filter(({ attempts }) => attempts.length === 0)).toHaveLength(7);
  broken = false;
  await clock.advance(minute);
  await clock.advance(minute);
  await until(async () => (await messages(id)).filter(({ status }) => status === 'delivered').length >= 7);
  await clock.advance(6 * minute);
  await until(async () => (await messages(id)).every(({ status }) => status === 'delivered'));
  expect((await platform.context.metrics.breakers.get()).values.every(({ value }) => value === 0)).toBe(true);
});

it('When a job with its own webhook URL ends, then this URL gets a message, signed with the secret of the webhook jobs', async () => {
  const receiver = await startReceiver();
  const { platform, clock } = await setUp();
  const { secret } = (await platform.call('POST', `${path}/jobs/rotate_secret`, { json: {} })).json.data;
  const { records } = platform.ports;
  const job = newJob({ webhookUrl: `${receiver.url}?of=client` });
  await records.createJob(defaultTenant, job, { outbox: [] });
  const status = async () => (await platform.call('GET', `/api/v1/faces/enroll/status/${job.jobId}`)).json.data.webhook;
  const before = await status();
  await records.startJob(defaultTenant, job.jobId);
  const data = { job_id: job.jobId, face_id: job.faceId, code: 'NO_FACE' };
  const outbox = [entry('freeface.enrollment.failed.v1', job.faceId, data, clock.now())];

  await records.finishJob(
    defaultTenant,
    job.jobId,
    { status: 'failed', error: { code: 'NO_FACE', message: 'No face.' } },
    { outbox },
  );
  await platform.call('POST', '/api/v1/persons', { json: {} });

  const [received] = await receiver.received(1);
  expect(verified(secret, received!)).toMatchObject({ type: 'job.failed', data });
  expect(before).toEqual({ url: job.webhookUrl, status: 'pending' });
  expect(received!.path).toBe('/hook?of=client');
  await until(async () => (await status()).status === 'delivered');
  const log = await platform.call('GET', `${path}/jobs/deliveries`);
  expect(log.json.data.deliveries).toMatchObject([{ type: 'job.failed', url: job.webhookUrl }]);
  expect(JSON.stringify(platform.logs)).not.toContain('of=client');
});

/** A platform without the extractor, on a stopped clock. Immediate messages are sent; for later ones the test moves the clock. */
async function setUp({ dataDir, clock = fakeClock(Date.now()) }: { dataDir?: string; clock?: FakeClock } = {}) {
  const platform = await startPlatform(sightless, {
    ...sightlessOptions,
    settings: { ...sightlessOptions.settings, FREEFACE_WEBHOOK_ALLOW: '127.0.0.1' },
    clock,
    ...(dataDir === undefined ? {} : { dataDir }),
  });
  const messages = async (id: string): Promise<LoggedMessage[]> =>
    (await platform.ports.webhooks.listMessages(defaultTenant, id, { limit: 200 })).items;
  return {
    platform,
    clock,
    messages,
    until,
    create: async (fields: object) => {
      const answer = await platform.call('POST', path, { json: fields });
      expect(answer.status, JSON.stringify(answer.json)).toBe(201);
      return answer.json.data as { webhook_id: string; secret: string };
    },
    /** Waits until the webhook has a message that is as `wanted`; resolves to the message. */
    message: async (id: string, wanted: (message: LoggedMessage) => boolean): Promise<LoggedMessage> => {
      await until(async () => (await messages(id)).some(wanted));
      return (await messages(id)).find(wanted)!;
    },
  };
}

/** Waits for real input and output, without moving the fake clock. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (performance.now() < end) {
    if (await condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('the condition did not become true within 10 seconds');
}

const entry = (type: Parameters<typeof outboxEntry>[0], key: string, data: object, at: number) =>
  outboxEntry(type, { id: crypto.randomUUID(), at, tenant: defaultTenant, key, data: data as never });

const personCreated = (personId: string, at: number) =>
  entry('freeface.person.created.v1', personId, { person_id: personId }, at);

/** Returns the message if the library of a receiver accepts its signature; throws otherwise. */
const verified = (secret: string, { body, headers }: ReceivedCall): unknown =>
  new Webhook(secret).verify(body, headers);
