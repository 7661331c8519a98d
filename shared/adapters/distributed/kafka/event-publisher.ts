import { type Kafka, type Message, Partitioners } from 'kafkajs';
import { reopening } from '../reopening.ts';
import type { KafkaAdmin } from './admin.ts';

export interface Publisher {
  /** See: [Note: All or none on Kafka]. An aborted signal cancels what was not sent yet. */
  publish(topic: string, messages: readonly Message[], signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Approximate size of a request. By default, a broker accepts 1 MiB. */
const requestBytes = 512 * 1024;

interface Waiting {
  readonly topic: string;
  readonly messages: Message[];
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends to Kafka.
 *
 * [Note: One request at a time]
 * An idempotent producer numbers its records, and the broker silently drops a number that it has seen. If a request fails although the
 * broker stored it, the next record gets the same number and is lost. So only one request is in flight, messages that come in the
 * meantime share the next request, and after a failure a new producer starts with its own numbers.
 */
export function openPublisher(kafka: Kafka, admin: KafkaAdmin, random: () => number): Publisher {
  const partitionOf = Partitioners.DefaultPartitioner();
  const producer = reopening(() => kafka.producer({ idempotent: true, allowAutoTopicCreation: false }));
  const waiting: Waiting[] = [];
  let sending: Promise<void> | undefined;

  const send = (topic: string, messages: Message[], signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const bytes = messages.reduce((sum, { value }) => sum + 500 + (value?.length ?? 0), 0);
      waiting.push({ topic, messages, bytes, signal, resolve, reject });
      sending ??= sendWaiting().finally(() => {
        sending = undefined;
      });
    });

  const sendWaiting = async (): Promise<void> => {
    // Publishes of the same turn of the event loop share the request.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const together = takeRequest(waiting);
      const topics = new Set(together.map(({ topic }) => topic));
      const topicMessages = [...topics].map((topic) => ({
        topic,
        messages: together.filter((each) => each.topic === topic).flatMap(({ messages }) => messages),
      }));
      try {
        await producer.use((client) => client.sendBatch({ topicMessages, acks: -1 }));
        for (const { resolve } of together) resolve();
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
  };

  return {
    async publish(topic, messages, signal) {
      const ids = await admin.partitions(topic);
      const partitionMetadata = ids.map((partitionId) => ({ partitionId, leader: 0 }) as never);
      const keyless = ids[Math.floor(random() * ids.length)]!;
      const placed = messages.map((message) => ({
        ...message,
        partition: message.key == null ? keyless : partitionOf({ topic, partitionMetadata, message }),
      }));
      await send(topic, placed, signal);
    },
    async close() {
      await sending;
      await producer.close();
    },
  };
}

/** Removes the publishes of one request from `waiting`: at least one, unless all are aborted. */
function takeRequest(waiting: Waiting[]): Waiting[] {
  const taken: Waiting[] = [];
  let bytes = 0;
  while (waiting[0] !== undefined && (taken.length === 0 || bytes + waiting[0].bytes <= requestBytes)) {
    const next = waiting.shift()!;
    if (next.signal?.aborted) {
      next.reject(next.signal.reason);
      continue;
    }
    bytes += next.bytes;
    taken.push(next);
  }
  return taken;
}
