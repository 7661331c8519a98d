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
  /** 0..1, for the jitter of retries and the partition of events without a key. Default Math.random. */
  readonly random?: () => number;
  /** Before the names of topics and groups, for installations that share a broker. Default none. */
  readonly prefix?: string;
  /** `subscribe` waits this long at most until the group is joined. Default 0: joining goes on by itself. */
  readonly joinMs?: number;
}

/** Publishing with its repetitions. */
const callMs = 8000;
/** About two minutes; then a consumer is started anew, and so on. */
const consumerRetries = 60;

/**
 * Kafka. Topics are made by the migration, see topics.ts.
 *
 * [Note: All or none on Kafka]
 * Events are looked at before any is sent. What goes to one partition goes in one batch, which the broker keeps as a whole or not at
 * all; events without a key share one partition for each publish, and so their order. Where keys lead to several partitions and a
 * broker fails between them, some are kept and the publish rejects; whoever published repeats it whole, as the outbox does, and
 * consumers expect repetitions. A transaction would hide the first part from consumers that read committed records alone, which
 * KafkaSource does not by default, and would wait 0.1 to 0.3 s for the end of the one before: measured, with one publisher.
 *
 * [Note: Groups on Kafka]
 * The consumer group is named as the subscription's group, the function. KafkaSource has the same name for the same function, so
 * that changing from one to the other goes on where the other stopped.
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
        // Where nobody reads, whether the broker answers has to be asked for.
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
