import type { AdapterOptions } from '../../function/adapter-options.ts';
import { deadLetterEvent, deadLetterTopic } from '../../ports/dead-letter-event.ts';
import type { Events } from '../../ports/events.ts';
import { openKafkaAdmin } from './kafka/admin.ts';
import { type KafkaClientOptions, openKafka } from './kafka/client.ts';
import { type ConsumerOptions, type RunningConsumer, startConsumer } from './kafka/event-consumer.ts';
import { toMessage } from './kafka/event-message.ts';
import { openPublisher } from './kafka/event-publisher.ts';
import { passed, storeCalls } from './store-calls.ts';

export interface EventsOptions
  extends Pick<AdapterOptions, 'clock' | 'log'>,
    Pick<KafkaClientOptions, 'socketFactory'> {
  readonly engines: Pick<AdapterOptions['engines'], 'kafka'>;
  /** Returns 0..1; sets the jitter of retries and the partition of events without a key. Default Math.random. */
  readonly random?: () => number;
  /** Prefix of topic and group names, for installations that share a broker. Default none. */
  readonly prefix?: string;
  /** Longest time in milliseconds that `subscribe` waits for the consumer to join its group. Default 0: it joins in the background. */
  readonly joinMs?: number;
}

/** Limit of one call with its retries, in milliseconds. */
const callMs = 8000;
/** Retries of a consumer's connection: about two minutes. After them a new consumer is started. */
const consumerRetries = 60;

/**
 * Events over Kafka. The migration creates the topics; see kafka/topics.ts.
 *
 * [Note: All or none on Kafka]
 * All events are checked before the first is sent. Events for one partition are one batch; the broker stores all of a batch or nothing.
 * The events without a key in one `publish` go to the same partition and keep their order. Keys can lead to several partitions. When a
 * broker fails between two of them, some events are stored and `publish` rejects. The caller then repeats all of it, as the outbox
 * does, and consumers must accept duplicates. A transaction would hide the first part only from consumers that read committed records;
 * KafkaSource does not by default. It would also wait 0.1 to 0.3 s for the end of the transaction before (measured with one publisher).
 *
 * [Note: Groups on Kafka]
 * The consumer group has the name of the subscription's group, which is the function. KafkaSource uses the same name for the same
 * function. So each of them continues where the other one stopped.
 */
export async function openEvents(options: EventsOptions): Promise<Events> {
  const { clock, log, engines, random = Math.random, prefix = '', joinMs = 0, socketFactory } = options;
  const kafka = openKafka(engines.kafka, log, { socketFactory });
  const patient = openKafka(engines.kafka, log, { socketFactory, retries: consumerRetries });
  const calls = storeCalls({ store: 'events', timeoutMs: callMs });
  const admin = openKafkaAdmin(kafka, clock);
  const publisher = openPublisher(kafka, admin, random);
  const groups = new Map<string, RunningConsumer>();

  const bury: ConsumerOptions['bury'] = async (event, failure) => {
    await publisher.publish(prefix + deadLetterTopic, [toMessage(deadLetterEvent(event, failure), clock.now())]);
  };

  return {
    async publish(topic, events, publishOptions) {
      publishOptions?.signal?.throwIfAborted();
      const messages = events.map((event) => toMessage(event, clock.now()));
      await calls.run(publishOptions, async (signal) => {
        if (messages.length > 0) await publisher.publish(prefix + topic, messages, signal);
      });
    },

    async subscribe(subscription, deliver) {
      const { topic, group, concurrency } = subscription;
      const id = JSON.stringify([topic, group]);
      const running = await calls.run(undefined, async () => {
        if (groups.has(id)) throw new RangeError(`group ${group} already reads topic ${topic}`);
        if (!Number.isInteger(concurrency) || concurrency < 1) throw new RangeError('concurrency must be 1 or more');
        const [groupId, topicName] = [prefix + group, prefix + topic];
        const consumer = startConsumer(subscription, deliver, {
          kafka: patient,
          clock,
          log,
          random,
          groupId,
          topicName,
          bury,
          positions: () => admin.positions(groupId, topicName),
          offsets: () => admin.offsets(topicName),
        });
        groups.set(id, consumer);
        return consumer;
      });
      if (joinMs > 0) await Promise.race([running.joined, passed(joinMs)]);
      let stopping: Promise<void> | undefined;
      return () => (stopping ??= running.stop().finally(() => groups.delete(id)));
    },

    state: (stateOptions) =>
      calls.run(stateOptions, async () => {
        // Without a subscription no consumer knows whether the broker responds, so send it a request.
        if (groups.size === 0) await admin.offsets(prefix + deadLetterTopic);
        return { groups: await Promise.all([...groups.values()].map((group) => group.state())) };
      }),

    close: () =>
      calls.close(async () => {
        const reason = new Error('the broker is closing');
        await Promise.allSettled([...groups.values()].map((group) => group.abandon(reason)));
        await publisher.close();
        await admin.close();
      }),
  };
}
