import { randomUUID } from 'node:crypto';
import { DeleteBucketCommand, DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { expect, it, onTestFinished } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { openS3, prepareBucket } from '../adapters/distributed/bucket.ts';
import { openCache } from '../adapters/distributed/cache.ts';
import { openEvents } from '../adapters/distributed/events.ts';
import { openImages } from '../adapters/distributed/images.ts';
import { openMilvus } from '../adapters/distributed/milvus-client.ts';
import { prepareTopics, topicSpecs } from '../adapters/distributed/topics.ts';
import { openVectors } from '../adapters/distributed/vectors.ts';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import { createLogger } from '../runtime/log.ts';
import type { Openers } from '../runtime/ports.ts';
import { describeEngine, engineSettingsOf } from './engine.ts';
import { type PlatformOptions, startPlatform, type TestPlatform } from './platform.ts';
import { drawPortrait } from './portraits/index.ts';

/** The whole platform on Kafka, MinIO, Milvus and Redis; each a test's own part, removed afterwards. */
describeEngine('kafka', 'on Kafka', () => {
  describeEngine('s3', 'on S3', () => {
    describeEngine('milvus', 'on Milvus', () => {
      describeEngine('dragonfly', 'on Dragonfly', () => {
        it('When a person is enrolled, found, recognised and erased, then every engine holds what it should and nothing afterwards', () =>
          journey());
      });
    });
  });
});

async function journey(): Promise<void> {
  const engines = await openEngines();
  const { call, ports, ...platform } = await start(engines.openers);
  const photo = await drawPortrait({ person: 'amaro' });
  const another = await drawPortrait({ person: 'amaro', scene: 'another' });
  const tenant = 'default' as never;

  const enrolled = await call('POST', '/api/v1/faces/enroll', {
    form: { image: photo, external_id: 'amaro', name: 'A' },
  });
  const searched = await call('POST', '/api/v1/faces/search', { form: { image: another } });
  const first = await call('POST', '/api/v1/faces/recognize', { form: { image: another } });
  const second = await call('POST', '/api/v1/faces/recognize', { form: { image: another } });
  const accepted = await call('POST', '/api/v1/faces/enroll_async', {
    json: { external_id: 'chidi', image_data: Buffer.from(await drawPortrait({ person: 'chidi' })).toString('base64') },
  });
  const job = accepted.json.data.job_id;
  const statusOf = async () => (await call('GET', `/api/v1/faces/enroll/status/${job}`)).json.data.status;
  await expect.poll(statusOf, { timeout: 30_000 }).toBe('completed');
  const health = await call('GET', '/api/v1/health');
  const images = await engines.objects();
  const erased = await call('DELETE', `/api/v1/persons/${enrolled.json.data.person_id}`);
  const after = await call('POST', '/api/v1/faces/recognize', { form: { image: another } });
  const published = await platform.events(6);

  expect([enrolled.status, searched.status, first.status, accepted.status]).toEqual([201, 200, 200, 202]);
  expect(searched.json.data.faces[0].matches[0]).toMatchObject({ external_id: 'amaro' });
  expect(first.json.data).toMatchObject({ cached: false, best: { decision: 'match' } });
  expect(second.json.data).toMatchObject({ cached: true, best: { decision: 'match' } });
  expect(JSON.stringify(health.json)).not.toContain('failing');
  expect(images.length).toBeGreaterThanOrEqual(2);
  expect(erased.json.data.erased).toEqual({ faces: 1, vectors: 1, images: 1 });
  expect(after.json.data).toMatchObject({ cached: false });
  expect(after.json.data.best?.decision).not.toBe('match');
  const left: string[] = [];
  for await (const faceId of ports.vectors.faceIds(tenant)) left.push(faceId);
  expect(left).toEqual([accepted.json.data.face_id]);
  expect(published.map(({ type }) => type)).toEqual(expect.arrayContaining(['freeface.person.erased.v1']));
}

const start = async (openers: Openers, options: PlatformOptions = {}): Promise<TestPlatform> =>
  await startPlatform(functions, { ...options, openers: { ...embeddedOpeners, ...openers } });

async function openEngines() {
  const run = `test-${randomUUID()}`;
  const log = createLogger('silent');
  const [kafka, dragonfly] = [engineSettingsOf('kafka'), { ...engineSettingsOf('dragonfly'), keyPrefix: run }];
  const s3 = { ...engineSettingsOf('s3'), bucket: run };
  const milvus = { ...engineSettingsOf('milvus'), collectionPrefix: run.replaceAll('-', '_') };
  const topics = topicSpecs.map((spec) => ({ ...spec, name: `${run}.${spec.name}` }));
  await Promise.all([prepareBucket(s3), prepareTopics(kafka, log, { topics, replicas: 1 })]);
  const store = openS3(s3);
  const objects = async () => (await store.send(new ListObjectsV2Command({ Bucket: run }))).Contents ?? [];

  onTestFinished(async () => {
    for (const { Key } of await objects()) await store.send(new DeleteObjectCommand({ Bucket: run, Key }));
    await store.send(new DeleteBucketCommand({ Bucket: run }));
    store.destroy();
    const admin = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: topics.map(({ name }) => name) });
    await admin.disconnect();
    const client = openMilvus(milvus);
    for (const { name } of (await client.showCollections()).data) {
      if (name.startsWith(milvus.collectionPrefix)) await client.dropCollection({ collection_name: name });
    }
    await client.closeConnection();
    const redis = new Redis(dragonfly.url);
    const names = await redis.keys(`${run}:*`);
    if (names.length > 0) await redis.unlink(names);
    redis.disconnect();
  });

  const openers = {
    cache: () => openCache({ engines: { dragonfly }, log }),
    images: () => openImages({ engines: { s3 } }),
    vectors: () => openVectors({ engines: { milvus } }),
    events: ({ clock }) => openEvents({ engines: { kafka }, clock, log, prefix: `${run}.` }),
  } satisfies Openers;
  return { openers, objects };
}
