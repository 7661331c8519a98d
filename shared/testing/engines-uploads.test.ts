import { createHash, randomUUID } from 'node:crypto';
import { DeleteBucketCommand, DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { Kafka, logLevel } from 'kafkajs';
import { expect, it, onTestFinished } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { openS3, prepareUploadsBucket } from '../adapters/distributed/bucket.ts';
import { openEvents } from '../adapters/distributed/events.ts';
import { prepareTopics, topicSpecs } from '../adapters/distributed/kafka/topics.ts';
import { openUploads } from '../adapters/distributed/uploads.ts';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import type { Openers } from '../function/ports.ts';
import { defaultTenant as tenant } from '../ports/tenant.ts';
import { createLogger } from '../telemetry/log.ts';
import { describeEngine, engineSettingsOf } from './engine.ts';
import { startPlatform, type TestPlatform } from './platform.ts';
import { drawPortrait } from './portraits/index.ts';

/** Tests the notifications that the store itself writes to Kafka when objects are created and deleted. */
describeEngine('kafka', 'uploads on Kafka', (kafka) => {
  describeEngine('s3', 'and S3', () => {
    it('When objects are created and deleted in the bucket, then the store’s notifications create and erase their faces', async () => {
      const { openers, put, remove } = await openBucket(kafka);
      const platform = await startPlatform(functions, { openers: { ...embeddedOpeners, ...openers } });
      const key = 'uploads/default/Zoë + Co/größe 1.jpg';

      await put(key, await drawPortrait({ person: 'amaro' }), { 'captured-at': '2026-05-01T12:00:00Z' });
      await put('uploads/default/chidi/1.jpg', await drawPortrait({ person: 'chidi' }));
      await put('elsewhere/default/boris/1.jpg', await drawPortrait({ person: 'boris' }));
      await expect.poll(() => faceCounts(platform), patience).toEqual({ 'Zoë + Co': 1, chidi: 1 });
      const enrolled = await faceTimes(platform);
      await remove(key);
      await expect.poll(() => faceCounts(platform), patience).toEqual({ 'Zoë + Co': 0, chidi: 1 });

      expect(enrolled).toContain('2026-05-01T12:00:00.000Z');
      expect((await platform.ports.records.backlog()).deadLetters).toBe(0);
    }, 90_000);

    it('When an object is replaced before it is processed, then only the newest version is enrolled, once, and no job fails', async () => {
      const { openers, put } = await openBucket(kafka);
      const platform = await startPlatform(functions, { openers: { ...embeddedOpeners, ...openers } });
      const newest = await drawPortrait({ person: 'chidi' });
      const { records } = platform.ports;

      for (const person of ['amaro', 'boris'] as const)
        await put('uploads/default/ada/1.jpg', await drawPortrait({ person }));
      await put('uploads/default/ada/1.jpg', newest);
      const digests = async () => (await records.listImages(tenant, { limit: 9 })).items.map(({ digest }) => digest);
      await expect.poll(digests, patience).toEqual([createHash('sha256').update(newest).digest('hex')]);

      await expect.poll(async () => (await records.backlog()).jobs.normal, patience).toBe(0);
      expect((await records.listJobs(tenant, { status: 'failed' }, { limit: 9 })).items).toEqual([]);
      expect(await faceCounts(platform)).toEqual({ ada: 1 });
      expect((await records.backlog()).deadLetters).toBe(0);
    }, 90_000);
  });
});

const patience = { timeout: 40_000, interval: 200 };

async function faceCounts({ call }: TestPlatform): Promise<Record<string, number>> {
  const { json } = await call('GET', '/api/v1/persons?limit=50');
  return Object.fromEntries(
    json.data.persons.map((person: { external_id: string; face_count: number }) => [
      person.external_id,
      person.face_count,
    ]),
  );
}

async function faceTimes({ ports }: TestPlatform): Promise<(string | null)[]> {
  const { items } = await ports.records.listFaces(tenant, {}, { limit: 10 });
  return items.map(({ capturedAt }) => (capturedAt === null ? null : new Date(capturedAt).toISOString()));
}

/**
 * Creates a bucket and topics for this test. The store has one topic for all buckets, so a consumer copies this bucket's
 * notifications to the test's topic, unchanged.
 */
async function openBucket(kafka: ReturnType<typeof engineSettingsOf<'kafka'>>) {
  const run = `test-${randomUUID()}`;
  const log = createLogger('silent');
  const s3 = { ...engineSettingsOf('s3'), uploadsBucket: run };
  const topics = topicSpecs.map((spec) => ({ ...spec, partitions: 2, name: `${run}.${spec.name}` }));
  const shared = topicSpecs.filter(({ name }) => name === 'freeface.uploads');
  await prepareTopics(kafka, log, { topics: [...topics, ...shared], replicas: 1 });
  await prepareUploadsBucket(s3);

  const store = openS3(s3);
  const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
  const [producer, consumer, admin] = [client.producer(), client.consumer({ groupId: run }), client.admin()];
  await Promise.all([producer.connect(), consumer.connect(), admin.connect()]);
  await consumer.subscribe({ topic: 'freeface.uploads', fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message: { key, value } }) => {
      if (!key?.toString().startsWith(`${run}/`)) return;
      await producer.send({ topic: `${run}.freeface.uploads`, messages: [{ key, value }] });
    },
  });

  onTestFinished(async () => {
    await Promise.all([consumer.disconnect(), producer.disconnect()]);
    await admin.deleteTopics({ topics: topics.map(({ name }) => name) });
    await admin.deleteGroups([run]);
    await admin.disconnect();
    const { Contents = [] } = await store.send(new ListObjectsV2Command({ Bucket: run }));
    for (const { Key } of Contents) await store.send(new DeleteObjectCommand({ Bucket: run, Key }));
    await store.send(new DeleteBucketCommand({ Bucket: run }));
    store.destroy();
  });

  return {
    openers: {
      uploads: () => openUploads({ engines: { s3 } }),
      events: ({ clock }) => openEvents({ engines: { kafka }, clock, log, prefix: `${run}.` }),
    } satisfies Openers,
    put: async (Key: string, Body: Uint8Array, Metadata: Record<string, string> = {}) => {
      await store.send(new PutObjectCommand({ Bucket: run, Key, Body, Metadata }));
    },
    remove: async (Key: string) => {
      await store.send(new DeleteObjectCommand({ Bucket: run, Key }));
    },
  };
}
