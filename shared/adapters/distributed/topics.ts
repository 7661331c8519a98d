import { ConfigResourceTypes, type ITopicConfig } from 'kafkajs';
import { AppError } from '../../errors.ts';
import type { AdapterOptions } from '../../runtime/adapter-options.ts';
import { type KafkaSettings, openKafka } from './kafka-client.ts';

export interface TopicSpec {
  readonly name: string;
  /** How many members of a group can read at once; order holds within one. */
  readonly partitions: number;
  /** Milliseconds that records are kept. */
  readonly retentionMs: number;
}

const day = 24 * 60 * 60 * 1000;

/**
 * The platform's topics. Events wait longer than a weekend without anybody at work; dead letters as long as somebody may want to
 * look. Partitions cannot become fewer, and more of them change which one a key leads to, so they are many from the start where
 * much may come at once.
 */
export const topicSpecs: readonly TopicSpec[] = [
  { name: 'freeface.events', partitions: 12, retentionMs: 7 * day },
  { name: 'freeface.enrollments.critical', partitions: 24, retentionMs: 7 * day },
  { name: 'freeface.enrollments.high', partitions: 12, retentionMs: 7 * day },
  { name: 'freeface.enrollments.normal', partitions: 12, retentionMs: 7 * day },
  { name: 'freeface.enrollments.low', partitions: 6, retentionMs: 7 * day },
  { name: 'freeface.uploads', partitions: 12, retentionMs: 7 * day },
  { name: 'freeface.webhooks', partitions: 12, retentionMs: 7 * day },
  { name: 'freeface.dead-letters', partitions: 3, retentionMs: 30 * day },
];

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
      await admin.createTopics({ topics: missing.map((spec) => topicConfig(spec, replicas)), waitForLeaders: true });
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

const topicConfig = ({ name, partitions, retentionMs }: TopicSpec, replicas: number): ITopicConfig => ({
  topic: name,
  numPartitions: partitions,
  replicationFactor: replicas,
  configEntries: [{ name: 'retention.ms', value: String(retentionMs) }],
});
