import { type Admin, ConfigResourceTypes, type ITopicConfig, KafkaJSError } from 'kafkajs';
import migration from '../../../../migrations/kafka/001-topics.json' with { type: 'json' };
import { AppError } from '../../../errors.ts';
import type { AdapterOptions } from '../../../function/adapter-options.ts';
import { type KafkaSettings, openKafka } from './client.ts';

export interface TopicSpec {
  readonly name: string;
  /** How many members of a group can read at once; order holds within one. */
  readonly partitions: number;
  /** Milliseconds that records are kept. */
  readonly retentionMs: number;
}

/** How often, and how often at most, is looked whether new topics are led. */
const leaderPauseMs = 200;
const leaderTries = 100;

const day = 24 * 60 * 60 * 1000;

/** The platform's topics, as the migrations have them. */
export const topicSpecs: readonly TopicSpec[] = migration.topics.map(({ name, partitions, retention_days }) => ({
  name,
  partitions,
  retentionMs: retention_days * day,
}));

/**
 * Makes the topics that are missing and sets how long those that are there keep their records; adds partitions to none. A step of
 * the migration. Resolves to the names that were made. Errors: STORE_UNAVAILABLE.
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

/** A broker may not know a topic yet that it has just made; the driver waits for leaders alone, and takes that for a failure. */
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
