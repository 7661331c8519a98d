import type { ITopicMetadata } from 'kafkajs';
import * as z from 'zod';
import { type KafkaSettings, openKafka } from '../../shared/adapters/distributed/kafka-client.ts';
import { prepareTopics, type TopicSpec } from '../../shared/adapters/distributed/topics.ts';
import type { Logger } from '../../shared/runtime/log.ts';
import { parseFile, readFiles } from './files.ts';
import type { MigratedDatabase, Step } from './migration.ts';

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
/** Copies of a record when nobody said how many. */
const usualCopies = 3;

type Specs = ReadonlyMap<string, TopicSpec>;

/** Topics. A file says how those it names are from then on. `prefix`: before the names, for installations that share a broker. */
export async function openMigratedKafka(
  settings: KafkaSettings,
  folder: string,
  log: Logger,
  prefix = '',
): Promise<MigratedDatabase> {
  const files = await readFiles(folder, 'kafka');
  const parsed = files.map((file) => ({ ...file, ...parseFile(fileSchema, file) }));
  // What there is before each file, and after the last.
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

  const prepare = async (spec: TopicSpec): Promise<void> => {
    const { brokers } = await (await connected()).describeCluster();
    const replicas = settings.replication ?? Math.min(brokers.length, usualCopies);
    await prepareTopics(settings, log, { topics: [spec], replicas });
    const [topic] = await describe([spec.name]);
    if ((topic?.partitions.length ?? spec.partitions) >= spec.partitions) return;
    await (await connected()).createPartitions({
      topicPartitions: [{ topic: spec.name, count: spec.partitions }],
    });
  };
  const remove = async (name: string): Promise<void> => {
    if ((await existing()).has(name)) await (await connected()).deleteTopics({ topics: [name] });
  };
  const makeStep = (spec: TopicSpec): Step => ({
    what: `make the topic ${spec.name}: ${spec.partitions} partitions, kept for ${spec.retentionMs / dayMs} days`,
    run: () => prepare(spec),
  });
  const removeStep = (name: string): Step => ({ what: `remove the topic ${name}`, run: () => remove(name) });

  return {
    name: 'kafka',
    title: `${prefix}freeface`,
    migrations: parsed.map(({ name, checksum, topics, remove: gone }, index) => {
      const [earlier, later, last] = [before[index]!, before[index + 1]!, before.at(-1)!];
      const named = topics.map((topic) => prefix + topic.name);
      const born = named.filter((topic) => !earlier.has(topic));
      return {
        name,
        checksum,
        up: async () => [
          ...named.map((topic) => makeStep(later.get(topic)!)),
          ...gone.map((topic) => removeStep(prefix + topic)),
        ],
        async down() {
          const grown = named.find(
            (topic) => (earlier.get(topic)?.partitions ?? Infinity) < later.get(topic)!.partitions,
          );
          if (grown !== undefined) return { none: `the partitions of ${grown} cannot become fewer` };
          const changed = [...named, ...gone.map((topic) => prefix + topic)].filter((topic) => earlier.has(topic));
          return [...born.map(removeStep), ...changed.map((topic) => makeStep(earlier.get(topic)!))];
        },
        async isThere() {
          const there = await existing();
          // One that a later file removes is not missed.
          return named.every((topic) => there.has(topic) || !last.has(topic));
        },
        async holds() {
          const there = await existing();
          const held: string[] = [];
          for (const topic of born.filter((each) => there.has(each))) {
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
      return [...before.at(-1)!.keys()].filter((topic) => there.has(topic)).map(removeStep);
    },
    async close() {
      await admin?.disconnect();
    },
  };
}

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
