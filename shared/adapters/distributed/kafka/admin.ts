import type { Kafka } from 'kafkajs';
import { AppError } from '../../../errors.ts';
import type { Clock } from '../../../ports/clock.ts';
import { reopening } from '../reopening.ts';
import { passed } from '../store-calls.ts';

/** How long the partitions of a topic are cached. */
const partitionsMs = 60_000;
/** Attempts of a request that no broker answers, and the pause between them. */
const questions = { tries: 5, pauseMs: 100 };

/** Requests to the brokers, except producing and consuming. */
export interface KafkaAdmin {
  /** Partition ids, in order. Errors: STORE_UNAVAILABLE, which says what to do, if the topic does not exist. */
  partitions(topic: string): Promise<readonly number[]>;
  /** Committed positions of a group; -1: none. */
  positions(
    groupId: string,
    topic: string,
  ): Promise<readonly { partition: number; offset: number; metadata: string | null }[]>;
  /** First and next offset of every partition. */
  offsets(topic: string): Promise<readonly { partition: number; low: number; high: number }[]>;
  close(): Promise<void>;
}

export function openKafkaAdmin(kafka: Kafka, clock: Clock): KafkaAdmin {
  const admin = reopening(() => kafka.admin(), isUnknownTopic);
  const known = new Map<string, { readonly ids: readonly number[]; readonly until: number }>();
  return {
    async partitions(topic) {
      const before = known.get(topic);
      if (before !== undefined && before.until > clock.now()) return before.ids;
      const ids = await untilAnswered(() => admin.use((client) => client.fetchTopicMetadata({ topics: [topic] }))).then(
        ({ topics }) => (topics[0]?.partitions ?? []).map(({ partitionId }) => partitionId).toSorted((a, b) => a - b),
        (error: unknown) => {
          throw isUnknownTopic(error) ? missing(topic, error) : error;
        },
      );
      if (ids.length === 0) throw missing(topic);
      known.set(topic, { ids, until: clock.now() + partitionsMs });
      return ids;
    },
    async positions(groupId, topic) {
      const answer = await admin.use((client) => client.fetchOffsets({ groupId, topics: [topic] }));
      return (answer[0]?.partitions ?? []).map(({ partition, offset, metadata }) => ({
        partition,
        offset: Number(offset),
        metadata,
      }));
    },
    async offsets(topic) {
      const answer = await admin.use((client) => client.fetchTopicOffsets(topic));
      return answer.map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }));
    },
    close: () => admin.close(),
  };
}

/** When one broker refuses, the driver asks the next. After the last one it throws a TypeError (tulios/kafkajs#549); retried here. */
async function untilAnswered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (let left = questions.tries; ; left--) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof TypeError) || left <= 1) throw error;
      await passed(questions.pauseMs);
    }
  }
}

const isUnknownTopic = (error: unknown): boolean =>
  (error as { type?: string }).type === 'UNKNOWN_TOPIC_OR_PARTITION' ||
  (error instanceof Error && error.cause !== undefined && isUnknownTopic(error.cause));

const missing = (topic: string, cause?: unknown): AppError =>
  new AppError('STORE_UNAVAILABLE', {
    message: `events: there is no topic ${topic}. Run: npm run migrate -- up --database kafka`,
    cause,
  });
