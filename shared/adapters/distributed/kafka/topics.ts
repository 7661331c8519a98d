import { type Admin, ConfigResourceTypes, type ITopicConfig, KafkaJSError } from 'kafkajs';
import migration from '../../../../migrations/kafka/001-topics.json' with { type: 'json' };
import { AppError } from '../../../errors.ts';
import type { AdapterOptions } from '../../../function/adapter-options.ts';
import { type KafkaSettings, openKafka } from './client.ts';

export interface TopicSpec {
  readonly name: string;
  /** Most members of a group that read at once. Order is guaranteed within a partition. */
  readonly partitions: number;
  /** How long records are kept, in milliseconds. */
  readonly retentionMs: number;
}

/** Pause between two checks that new topics have leaders, and the most checks. */
const leaderPauseMs = 200;
const leaderTries = 100;

const day = 24 * 60 * 60 * 1000;

/** The platform's topics, from the migrations. */
export const topicSpecs: readonly TopicSpec[] = migration.topics.map(({ name, partitions, retention_days }) => ({
  name,
  partitions,
  retentionMs: retention_days * day,
}));

/**
 * Creates missing topics, and sets the retention of existing ones; never adds partitions. A step of the migration. Resolves to the
 * names of the created topics. Errors: STORE_UNAVAILABLE.
 */
export async function prepareTopics(
  settings: KafkaSettings,
  log: AdapterOptions['log'],
  { topics = topicSpecs, replicas = -1 }: { topics?: readonly TopicSpec[]; replicas?: number } = {},
): Promise<string[]> {
  const admin = openKafka(settings, log).admin();
  try {
    await admin.connect();
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter(({ name }) => !existing.has(name));
    if (missing.length > 0) {
      await admin.createTopics({ topics: missing.map((spec) => topicConfig(spec, replicas)), waitForLeaders: false });
      await untilLed(
        admin,
        missing.map(({ name }) => name),
      );
    }
    const present = topics.filter(({ name }) => existing.has(name));
    if (present.length > 0) {
      await admin.alterConfigs({
        validateOnly: false,
        resources: present.map(({ name, retentionMs }) => ({
          type: ConfigResourceTypes.TOPIC,
          name,
          configEntries: [{ name: 'retention.ms', value: String(retentionMs) }],
        })),
      });
    }
    return missing.map(({ name }) => name);
  } catch (error) {
    const message = `the topics cannot be prepared: ${error instanceof Error ? error.message : String(error)}`;
    throw new AppError('STORE_UNAVAILABLE', { message, cause: error });
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/** Waits for the leaders of new topics. The driver's own wait fails when the broker does not know its new topic yet. */
async function untilLed(admin: Admin, topics: string[]): Promise<void> {
  for (let left = leaderTries; ; left--) {
    try {
      const answer = await admin.fetchTopicMetadata({ topics });
      if (answer.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))) return;
    } catch (error) {
      if (left <= 1 || !(error instanceof KafkaJSError && error.retriable)) throw error;
    }
    if (left <= 1) throw new Error(`no leader for ${topics.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, leaderPauseMs));
  }
}

const topicConfig = ({ name, partitions, retentionMs }: TopicSpec, replicas: number): ITopicConfig => ({
  topic: name,
  numPartitions: partitions,
  replicationFactor: replicas,
  configEntries: [{ name: 'retention.ms', value: String(retentionMs) }],
});
