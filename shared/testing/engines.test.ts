import { expect, it, onTestFinished } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { type AuditLine, createChainVerifier } from '../domain/audit-chain.ts';
import { cronPipeline } from '../runtime/cron-pipeline.ts';
import { describeEngine, engineSettingsOf } from './engine.ts';
import { goodPassword, logIn } from './logins.ts';
import { ownOpeners, prepareEngines } from './own-engines.ts';
import { startPlatform, type TestPlatform } from './platform.ts';
import { drawPortrait } from './portraits/index.ts';
import { startReceiver } from './webhook-receiver.ts';

/** The whole platform with FREEFACE_MODE=distributed, on a separate part of each engine, which is removed afterwards. */
describeEngine('scylla', 'on ScyllaDB', () => {
  describeEngine('kafka', 'on Kafka', () => {
    describeEngine('s3', 'on S3', () => {
      describeEngine('milvus', 'on Milvus', () => {
        describeEngine('dragonfly', 'on Dragonfly', () => {
          it(
            'When a person is enrolled, found, recognised and erased, then every engine stores the expected data, and none after the erasure',
            journey,
            120_000,
          );
        });
      });
    });
  });
});

async function journey(): Promise<void> {
  const { environment, prefix, dispose } = await prepareEngines();
  onTestFinished(dispose, 120_000);
  const receiver = await startReceiver();
  const own = {
    ...environment,
    S3_PUBLIC_ENDPOINT: engineSettingsOf('s3').endpoint,
    FREEFACE_WEBHOOK_ALLOW: '127.0.0.1',
  };
  const platform = await startPlatform(functions, {
    openers: ownOpeners(prefix),
    settings: { ...process.env, ...own } as Record<string, string>,
  });
  const { ports } = platform;
  const key = await newKey(platform);
  const call: TestPlatform['call'] = (method, path, options) => platform.call(method, path, { as: key, ...options });
  const photo = await drawPortrait({ person: 'amaro' });
  const another = await drawPortrait({ person: 'amaro', scene: 'another' });
  const tenant = 'default' as never;

  const webhook = await call('POST', '/api/v1/webhooks', { json: { url: receiver.url } });
  const enrolled = await call('POST', '/api/v1/faces/enroll', {
    form: { image: photo, external_id: 'amaro', name: 'A' },
  });
  const searched = await call('POST', '/api/v1/faces/search', { form: { image: another } });
  const first = await call('POST', '/api/v1/faces/recognize', { form: { image: another } });
  // A result is cached only after a search sees every write.
  const isKept = async () =>
    (await call('POST', '/api/v1/faces/recognize', { form: { image: another } })).json.data.cached;
  await expect.poll(isKept, { timeout: 30_000, interval: 500 }).toBe(true);
  const accepted = await call('POST', '/api/v1/faces/enroll_async', {
    json: { external_id: 'chidi', image_data: Buffer.from(await drawPortrait({ person: 'chidi' })).toString('base64') },
  });
  const job = accepted.json.data.job_id;
  const statusOf = async () => (await call('GET', `/api/v1/faces/enroll/status/${job}`)).json.data.status;
  await expect.poll(statusOf, { timeout: 30_000 }).toBe('completed');
  const health = await call('GET', '/api/v1/health');
  const images: string[] = [];
  for await (const { key } of ports.images.keys(tenant)) images.push(key);
  const shown = await call('GET', `/api/v1/images/${enrolled.json.data.image_id}`);
  const downloaded = await call('GET', `/api/v1/images/${enrolled.json.data.image_id}/download`);
  const linked = await fetch(downloaded.headers.get('location')!);
  const erased = await call('DELETE', `/api/v1/persons/${enrolled.json.data.person_id}`);
  const after = await call('POST', '/api/v1/faces/recognize', { form: { image: another } });
  const published = await platform.events(6);
  await expect.poll(() => deliveredTypes(receiver), { timeout: 30_000 }).toContain('person.erased');

  expect([enrolled.status, searched.status, first.status, accepted.status]).toEqual([201, 200, 200, 202]);
  expect(searched.json.data.faces[0].matches[0]).toMatchObject({ external_id: 'amaro' });
  expect(first.json.data).toMatchObject({ cached: false, best: { decision: 'match' } });
  expect(JSON.stringify(health.json)).not.toContain('failing');
  expect(images.length).toBeGreaterThanOrEqual(2);
  expect([downloaded.status, linked.status, linked.headers.get('content-type')]).toEqual([302, 200, 'image/jpeg']);
  expect(Buffer.compare(shown.bytes, photo)).toBe(0);
  expect(Buffer.compare(Buffer.from(await linked.arrayBuffer()), photo)).toBe(0);
  expect(erased.json.data.erased).toEqual({ faces: 1, vectors: 1, images: 1 });
  expect(after.json.data).toMatchObject({ cached: false });
  expect(after.json.data.best?.decision).not.toBe('match');
  const left: string[] = [];
  for await (const faceId of ports.vectors.faceIds(tenant)) left.push(faceId);
  expect(left).toEqual([accepted.json.data.face_id]);
  expect(published.map(({ type }) => type)).toEqual(expect.arrayContaining(['freeface.person.erased.v1']));
  expect(deliveredTypes(receiver)).toEqual(
    expect.arrayContaining(['person.created', 'face.enrolled', 'job.completed']),
  );
  await checkDeliveries(platform, webhook.json.data.webhook_id);
  await checkAudit(platform, enrolled.json.data.person_id);
  await runCrons(platform);
}

/** Creates a user with the admin key; the user logs in and creates the key for all other requests. */
async function newKey(platform: TestPlatform): Promise<string> {
  const { call } = platform;
  await call('POST', '/api/v1/users', { json: { username: 'Ada', role: 'admin', password: goodPassword } });
  const { json: refused } = await logIn(platform, { username: 'ada', password: 'three purple umbrella' });
  const { json: login } = await logIn(platform, { username: 'ada' });
  const { json: fresh } = await call('POST', '/api/v1/auth/refresh', {
    json: { refresh_token: login.data.refresh_token },
    as: null,
  });
  const { scopes } = (await call('GET', '/api/v1/auth/me', { as: fresh.data.access_token })).json.data;
  const made = await call('POST', '/api/v1/api_keys', { json: { name: 'all', scopes }, as: fresh.data.access_token });
  expect(refused.error.code).toBe('LOGIN_FAILED');
  expect(made.status).toBe(201);
  return made.json.data.key;
}

/** Types of the messages that a receiver got. */
const deliveredTypes = ({ calls }: Awaited<ReturnType<typeof startReceiver>>): string[] =>
  calls.map(({ body }) => (JSON.parse(body) as { type: string }).type);

async function checkDeliveries({ call, ports }: TestPlatform, webhookId: string): Promise<void> {
  await expect.poll(async () => (await ports.webhooks.pending()).messages, { timeout: 30_000 }).toBe(0);
  const { json } = await call('GET', `/api/v1/webhooks/${webhookId}/deliveries?limit=100`);
  const statuses = json.data.deliveries.map(({ status }: { status: string }) => status);
  expect(statuses.length).toBeGreaterThanOrEqual(4);
  expect(new Set(statuses)).toEqual(new Set(['delivered']));
}

/** Checks the audit entries of a person, and that the export is a valid hash chain. */
async function checkAudit({ call }: TestPlatform, personId: string): Promise<void> {
  const { json } = await call('GET', `/api/v1/audit?person_id=${personId}&limit=50`);
  const actions = json.data.entries.map(({ action }: { action: string }) => action);
  expect(actions).toEqual(expect.arrayContaining(['erase-person', 'enroll-face', 'recognize-faces']));
  const { bytes } = await call('GET', '/api/v1/audit/export');
  const lines = new TextDecoder().decode(bytes).trimEnd().split('\n');
  const verifier = createChainVerifier();
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.map((line) => verifier.add(JSON.parse(line) as AuditLine))).toEqual(lines.map(() => null));
}

/** Runs all cron functions: sweeps, expiry, key rotation, reconciliation. */
async function runCrons({ ports, context }: TestPlatform): Promise<void> {
  const crons = functions.filter(({ manifest }) => manifest.trigger.kind === 'cron');
  for (const definition of crons) {
    const done = await cronPipeline(definition, ports, context)(new AbortController().signal);
    expect({ name: definition.manifest.name, done }).toEqual({ name: definition.manifest.name, done: true });
  }
  expect(crons.length).toBeGreaterThan(4);
}
