import { randomUUID } from 'node:crypto';
import { DeleteBucketCommand, DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { Redis } from 'ioredis';
import { openS3, prepareBucket } from '../adapters/distributed/bucket.ts';
import { openEvents } from '../adapters/distributed/events.ts';
import { distributedOpeners } from '../adapters/distributed/index.ts';
import { type KafkaClientOptions, openKafka } from '../adapters/distributed/kafka/client.ts';
import { prepareTopics, topicSpecs } from '../adapters/distributed/kafka/topics.ts';
import { openMilvus } from '../adapters/distributed/milvus/client.ts';
import { readConfig } from '../config.ts';
import type { Engines } from '../engine-settings.ts';
import { createContext } from '../function/context.ts';
import type { Openers } from '../function/ports.ts';
import { dropKeyspace } from '../migrations/apply.ts';
import { createLogger } from '../telemetry/log.ts';
import { type Keyspaces, keyspaces } from './scylla-keyspace.ts';

export interface OwnEngines {
  /** Settings of a process that uses only this part of the engines. */
  readonly environment: Readonly<Record<string, string>>;
  /** Prefix of the names of its topics and groups. */
  readonly prefix: string;
  dispose(): Promise<void>;
}

/**
 * Prepares a separate part of every engine for one run: a keyspace, a bucket, topics, collections and keys. The addresses come from
 * the environment. `shared`: source of the keyspace, to which `dispose` returns it; default: a new keyspace, which `dispose` drops.
 */
export async function prepareEngines(shared?: Keyspaces): Promise<OwnEngines> {
  const run = randomUUID().replaceAll('-', '').slice(0, 20);
  const prefix = `test-${run}.`;
  const environment = {
    FREEFACE_MODE: 'distributed',
    S3_BUCKET: `test-${run}`,
    MILVUS_COLLECTION_PREFIX: `test_${run}`,
    DRAGONFLY_KEY_PREFIX: `test-${run}`,
  };
  const { engines } = readConfig({ ...process.env, ...environment });
  const topics = topicSpecs.map((spec) => ({ ...spec, name: prefix + spec.name }));
  const log = createLogger('silent');
  const [scylla] = await Promise.all([
    (shared ?? keyspaces()).take(engines.scylla),
    prepareBucket(engines.s3),
    prepareTopics(engines.kafka, log, { topics, replicas: 1 }),
  ]);
  const giveBack = () => (shared === undefined ? dropKeyspace(scylla) : shared.giveBack(scylla));
  return {
    environment: { ...environment, SCYLLA_KEYSPACE: scylla.keyspace, SCYLLA_REPLICATION: '1' },
    prefix,
    dispose: () => removeAll(engines, prefix, giveBack),
  };
}

/** Openers for a process that uses that part of the engines. */
export const ownOpeners = (
  prefix: string,
  { socketFactory }: Pick<KafkaClientOptions, 'socketFactory'> = {},
): typeof distributedOpeners & Openers => ({
  ...distributedOpeners,
  events: ({ config, clock, log }) => openEvents({ engines: config.engines, clock, log, prefix, socketFactory }),
});

/** Opens the stores of that part of the engines, so that a test can count their content. */
export async function openOwnStores({ environment, prefix }: Pick<OwnEngines, 'environment' | 'prefix'>) {
  const context = createContext(readConfig({ ...process.env, ...environment }), { log: createLogger('silent') });
  const { records, vectors, images } = ownOpeners(prefix);
  return { records: await records(context), vectors: await vectors(context), images: await images(context) };
}

/** Removes everything; an engine that is down does not stop the removal from the others. */
async function removeAll(
  { s3, kafka, milvus, dragonfly }: Engines,
  prefix: string,
  giveBack: () => Promise<void>,
): Promise<void> {
  const removals = [
    giveBack,
    async () => {
      const store = openS3(s3);
      for (;;) {
        const { Contents = [] } = await store.send(new ListObjectsV2Command({ Bucket: s3.bucket }));
        if (Contents.length === 0) break;
        await Promise.all(Contents.map(({ Key }) => store.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key }))));
      }
      await store.send(new DeleteBucketCommand({ Bucket: s3.bucket }));
      store.destroy();
    },
    async () => {
      const admin = openKafka(kafka, createLogger('silent')).admin();
      await admin.connect();
      await admin.deleteTopics({ topics: topicSpecs.map(({ name }) => prefix + name) });
      await admin.disconnect();
    },
    async () => {
      const client = openMilvus(milvus);
      for (const { name } of (await client.showCollections()).data)
        if (name.startsWith(`${milvus.collectionPrefix}__`)) await client.dropCollection({ collection_name: name });
      await client.closeConnection();
    },
    async () => {
      const client = new Redis(dragonfly.url);
      const names = await client.keys(`${dragonfly.keyPrefix}:*`);
      if (names.length > 0) await client.unlink(names);
      client.disconnect();
    },
  ];
  const outcomes = await Promise.allSettled(removals.map((remove) => remove()));
  const failed = outcomes.find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
