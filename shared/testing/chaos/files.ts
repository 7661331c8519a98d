import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DeleteBucketCommand, DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { Kafka, logLevel } from 'kafkajs';
import { openS3, prepareUploadsBucket } from '../../adapters/distributed/bucket.ts';
import { prepareTopics, topicSpecs } from '../../adapters/distributed/kafka/topics.ts';
import { readConfig } from '../../config.ts';
import { keyOfUpload } from '../../domain/uploads.ts';
import { defaultTenant } from '../../ports/tenant.ts';
import { createLogger } from '../../telemetry/log.ts';
import type { OwnEngines } from '../own-engines.ts';

/** The place for files of the chaos test: a watched folder or a bucket. */
export interface ChaosFiles {
  /** Settings of a platform that processes the files. */
  readonly settings: Readonly<Record<string, string>>;
  /** `put` and `remove` retry until they succeed, also while a server is down. */
  put(path: string, bytes: Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
  dispose(): Promise<void>;
}

export function watchedFiles(): ChaosFiles {
  const root = mkdtempSync(join(tmpdir(), 'freeface-chaos-files-'));
  let written = 0;
  return {
    settings: { FREEFACE_WATCH: root },
    async put(path, bytes) {
      const unfinished = join(root, `.unfinished-${written++}`);
      writeFileSync(unfinished, bytes);
      mkdirSync(dirname(join(root, path)), { recursive: true });
      renameSync(unfinished, join(root, path));
    },
    remove: async (path) => rmSync(join(root, path), { force: true }),
    dispose: async () => rmSync(root, { recursive: true, force: true }),
  };
}

const pauseMs = 500;

/** Creates a bucket for this run. The store has one topic for all buckets, so a consumer copies this bucket's notifications to the run's topic. */
export async function bucketFiles({ environment, prefix }: OwnEngines): Promise<ChaosFiles> {
  const Bucket = `${environment.S3_BUCKET}-in`;
  const settings = { S3_UPLOADS_BUCKET: Bucket };
  const { s3, kafka } = readConfig({ ...process.env, ...environment, ...settings }).engines;
  const shared = topicSpecs.filter(({ name }) => name === 'freeface.uploads');
  await prepareTopics(kafka, createLogger('silent'), { topics: shared, replicas: 1 });
  await prepareUploadsBucket(s3);
  const store = openS3(s3);
  const client = new Kafka({
    brokers: [...kafka.brokers],
    logLevel: logLevel.NOTHING,
    retry: { retries: 1000, maxRetryTime: 2000 },
  });
  const [producer, consumer] = [client.producer(), client.consumer({ groupId: `${prefix}carrier` })];
  await Promise.all([producer.connect(), consumer.connect()]);
  await consumer.subscribe({ topic: 'freeface.uploads', fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message: { key, value } }) => {
      if (key?.toString().startsWith(`${Bucket}/`))
        await producer.send({ topic: `${prefix}freeface.uploads`, messages: [{ key, value }] });
    },
  });
  const insist = async (send: () => Promise<unknown>) => {
    for (;;) {
      if (await send().then(Boolean, () => false)) return;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const keyOf = (path: string) => keyOfUpload({ tenant: defaultTenant, path });
  return {
    settings,
    put: (path, Body) => insist(() => store.send(new PutObjectCommand({ Bucket, Key: keyOf(path), Body }))),
    remove: (path) => insist(() => store.send(new DeleteObjectCommand({ Bucket, Key: keyOf(path) }))),
    async dispose() {
      await Promise.all([consumer.disconnect(), producer.disconnect()]);
      for (;;) {
        const { Contents = [] } = await store.send(new ListObjectsV2Command({ Bucket }));
        if (Contents.length === 0) break;
        await Promise.all(Contents.map(({ Key }) => store.send(new DeleteObjectCommand({ Bucket, Key }))));
      }
      await store.send(new DeleteBucketCommand({ Bucket }));
      store.destroy();
    },
  };
}
