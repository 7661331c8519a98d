import type { ITopicMetadata } from 'kafkajs';
import * as z from 'zod';
import { type KafkaSettings, openKafka } from '../../shared/adapters/distributed/kafka/client.ts';
import { prepareTopics, type TopicSpec } from '../../shared/adapters/distributed/kafka/topics.ts';
import { parseFile, readFiles } from '../../shared/migrations/files.ts';
import type { MigratedDatabase, Step } from '../../shared/migrations/migration.ts';
import type { Logger } from '../../shared/telemetry/log.ts';

const fileSchema = z.strictObject({
  about: z.string(),
  topics: z.array(
    z.strictObject({
      name: z.string().regex(/^[\w.-]+$/),
      partitions: z.int().min(1),
      retention_days: z.number().positive(),
    }),
  ),
  remove: z.array(z.string()).default([]),
});

const dayMs = 24 * 60 * 60 * 1000;
/** Default number of copies of a record. */
const usualCopies = 3;
/** Longest wait for the brokers to remove topics. */
const removalMs = 20_000;

type Specs = ReadonlyMap<string, TopicSpec>;

/**
 * Topics of Kafka. A file sets the partitions and the retention of the topics that it names. `prefix`: text before each topic name, for
 * installations that share a broker.
 */
export async function openMigratedKafka(
  settings: KafkaSettings,
  folder: string,
  log: Logger,
  prefix = '',
): Promise<MigratedDatabase> {
  const files = await readFiles(folder, 'kafka');
  const parsed = files.map((file) => ({ ...file, ...parseFile(fileSchema, file) }));
  // The topics before each file; the last element: the topics after the last file.
  const before: Specs[] = [new Map()];
  for (const { topics, remove } of parsed) before.push(specsAfter(before.at(-1)!, topics, remove, prefix));

  const kafka = openKafka(settings, log);
  let admin: ReturnType<typeof kafka.admin> | undefined;
  const connected = async () => {
    if (admin !== undefined) return admin;
    const client = kafka.admin();
    await client.connect();
    admin = client;
    return client;
  };
  const existing = async () => new Set(await (await connected()).listTopics());
  const describe = async (names: readonly string[]): Promise<ITopicMetadata[]> =>
    names.length === 0 ? [] : (await (await connected()).fetchTopicMetadata({ topics: [...names] })).topics;

  const prepare = async (topics: readonly TopicSpec[]): Promise<void> => {
    const { brokers } = await (await connected()).describeCluster();
    const replicas = settings.replication ?? Math.min(brokers.length, usualCopies);
    await prepareTopics(settings, log, { topics, replicas });
    const partitions = new Map(
      (await describe(topics.map(({ name }) => name))).map((topic) => [topic.name, topic.partitions.length]),
    );
    const small = topics.filter((spec) => (partitions.get(spec.name) ?? spec.partitions) < spec.partitions);
    if (small.length === 0) return;
    await (await connected()).createPartitions({
      topicPartitions: small.map(({ name, partitions: count }) => ({ topic: name, count })),
    });
  };
  const remove = async (topics: readonly string[]): Promise<void> => {
    const there = await existing();
    const present = topics.filter((topic) => there.has(topic));
    if (present.length > 0) await (await connected()).deleteTopics({ topics: present });
    // Brokers list a removed topic for a moment. Until it disappears, a topic of that name cannot be created.
    const end = Date.now() + removalMs;
    while (Date.now() < end && present.some((topic) => there.has(topic))) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const left = await existing();
      for (const topic of present) if (!left.has(topic)) there.delete(topic);
    }
  };
  const makeStep = (specs: readonly TopicSpec[]): Step[] =>
    specs.length === 0 ? [] : [{ what: `create ${specs.map(describeSpec).join(', ')}`, run: () => prepare(specs) }];
  const removeStep = (topics: readonly string[]): Step[] =>
    topics.length === 0 ? [] : [{ what: `remove ${topics.join(', ')}`, run: () => remove(topics) }];

  return {
    name: 'kafka',
    title: `${prefix}freeface`,
    migrations: parsed.map(({ name, checksum, topics, remove: gone }, index) => {
      const [earlier, later, last] = [before[index]!, before[index + 1]!, before.at(-1)!];
      const named = topics.map((topic) => prefix + topic.name);
      const created = named.filter((topic) => !earlier.has(topic));
      return {
        name,
        checksum,
        up: async () => [
          ...makeStep(named.map((topic) => later.get(topic)!)),
          ...removeStep(gone.map((topic) => prefix + topic)),
        ],
        async down() {
          const grown = named.find(
            (topic) => (earlier.get(topic)?.partitions ?? Infinity) < later.get(topic)!.partitions,
          );
          if (grown !== undefined) return { none: `Kafka cannot reduce the partitions of ${grown}` };
          const changed = [...named, ...gone.map((topic) => prefix + topic)].filter((topic) => earlier.has(topic));
          return [...removeStep(created), ...makeStep(changed.map((topic) => earlier.get(topic)!))];
        },
        async isThere() {
          const there = await existing();
          // A topic that a later file removes does not have to exist.
          return named.every((topic) => there.has(topic) || !last.has(topic));
        },
        async holds() {
          const there = await existing();
          const held: string[] = [];
          for (const topic of created.filter((each) => there.has(each))) {
            const offsets = await (await connected()).fetchTopicOffsets(topic);
            const events = offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
            if (events > 0) held.push(`${topic}: ${events} events`);
          }
          return held;
        },
      };
    }),
    async erase() {
      const there = await existing();
      return removeStep([...before.at(-1)!.keys()].filter((topic) => there.has(topic)));
    },
    async close() {
      await admin?.disconnect();
    },
  };
}

const describeSpec = ({ name, partitions, retentionMs }: TopicSpec): string =>
  `${name} (${partitions} partitions, ${retentionMs / dayMs} days)`;

function specsAfter(
  before: Specs,
  topics: z.output<typeof fileSchema>['topics'],
  remove: readonly string[],
  prefix: string,
): Specs {
  const specs = new Map(before);
  for (const { name, partitions, retention_days } of topics) {
    specs.set(prefix + name, { name: prefix + name, partitions, retentionMs: retention_days * dayMs });
  }
  for (const name of remove) specs.delete(prefix + name);
  return specs;
}
