import { enrolmentTopic } from '../../../shared/events/catalogue.ts';
import type { Delivery } from '../../../shared/ports/events.ts';
import type { CronManifest, EventManifest, Manifest } from '../../../shared/runtime/define.ts';
import type { KafkaSource, PingSource } from '../../manifests/eventing.ts';
import * as names from '../../manifests/names.ts';
import { deliveryOf, isEvent } from './delivery.ts';
import type { Comments } from './yaml.ts';

/** Where Strimzi's cluster `kafka` in the namespace `kafka` listens; overlays put theirs in its place. */
export const defaultBroker = 'kafka-kafka-bootstrap.kafka:9092';

/**
 * The KafkaSource of an event function; undefined when it reads no topic.
 *
 * [Note: Ordered delivery]
 * Ordered is one event in flight for each partition, so what has one key (a person, a face, a webhook's queue) is never worked on
 * twice at once. How many are worked on at once is the topic's number of partitions.
 */
export function kafkaSource(manifest: Manifest): { object: KafkaSource; comments: Comments } | undefined {
  const topic = names.topicOf(manifest);
  if (!isEvent(manifest) || topic === null) return undefined;
  const { name } = manifest;
  const delivery = deliveryOf(manifest);
  const object: KafkaSource = {
    apiVersion: 'sources.knative.dev/v1beta1',
    kind: 'KafkaSource',
    metadata: {
      name,
      namespace: names.namespace,
      // Keys are bytes of UTF-8; without this a key beyond ASCII would not come through as it was.
      labels: { ...names.labelsOf(name), 'kafkasources.sources.knative.dev/key-type': 'byte-array' },
      annotations: { [names.consumesAnnotation]: [manifest.trigger.type].flat().join(',') },
    },
    spec: {
      bootstrapServers: [defaultBroker],
      topics: [topic],
      consumerGroup: name,
      initialOffset: 'earliest',
      consumers: consumersOf(manifest),
      ordering: 'ordered',
      sink: { ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name, namespace: names.namespace } },
      delivery: {
        retry: delivery.retry,
        backoffPolicy: delivery.backoff,
        backoffDelay: duration(delivery.backoffDelayMs),
        timeout: duration(delivery.timeoutMs),
        deadLetterSink: {
          ref: {
            apiVersion: 'eventing.knative.dev/v1alpha1',
            kind: 'KafkaSink',
            name: names.deadLetterSink,
            namespace: names.namespace,
          },
        },
      },
    },
  };
  return {
    object,
    comments: [
      {
        path: ['spec', 'consumerGroup'],
        text: 'fixed: by default it is random, and a source made anew would begin anew',
      },
      { path: ['spec', 'initialOffset'], text: 'by default only what comes later is read' },
      { path: ['spec', 'consumers'], text: 'members of the group; more than partitions would idle' },
      { path: ['spec', 'ordering'], text: 'one event in flight for each partition' },
      { path: ['spec', 'delivery'], text: `all of it: a part drops the other defaults. ${spanOf(delivery)}` },
    ],
  };
}

/** The urgent lane has two members, so that it goes on while one is moved. */
const consumersOf = (manifest: EventManifest): number =>
  manifest.trigger.topic === enrolmentTopic('critical') ? 2 : 1;

const duration = (milliseconds: number): string => `PT${milliseconds / 1000}S`;

/** How long all attempts take together, pauses alone. */
function spanOf({ retry, backoff, backoffDelayMs }: Delivery): string {
  const milliseconds =
    backoff === 'linear' ? (backoffDelayMs * retry * (retry + 1)) / 2 : backoffDelayMs * (2 ** (retry + 1) - 2);
  const seconds = Math.round(milliseconds / 1000);
  return retry > 1000 ? 'Tried until it is done' : `Given up after ${seconds} s of pauses`;
}

/** The PingSource of a scheduled function; undefined when it has no schedule. */
export function pingSource(manifest: Manifest): { object: PingSource; comments: Comments } | undefined {
  if (manifest.trigger.kind !== 'cron') return undefined;
  const { name, trigger } = manifest as CronManifest;
  const object: PingSource = {
    apiVersion: 'sources.knative.dev/v1',
    kind: 'PingSource',
    metadata: { name, namespace: names.namespace, labels: names.labelsOf(name) },
    spec: {
      schedule: scheduleOf(manifest as CronManifest),
      contentType: 'application/json',
      data: '{}',
      sink: { ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name, namespace: names.namespace } },
    },
  };
  const early = trigger.atStart === true && trigger.everyMinutes > atStartMinutes;
  return {
    object,
    comments: [
      {
        path: ['spec', 'schedule'],
        text: early
          ? 'more often than it has work, since a new installation needs its first run soon'
          : `every ${trigger.everyMinutes} minutes`,
      },
    ],
  };
}

/** What is to run when a process starts has no such moment in a cluster: it comes round at least this often. */
const atStartMinutes = 10;

/** Minutes are spread by name, so that not everything starts at the full hour. */
export function scheduleOf({ name, trigger: { everyMinutes, atStart } }: CronManifest): string {
  const minutes = atStart === true ? Math.min(everyMinutes, atStartMinutes) : everyMinutes;
  const spread = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  if (minutes < 60) return minutes === 1 ? '* * * * *' : `*/${minutes} * * * *`;
  const hours = minutes / 60;
  if (hours === 1) return `${spread % 60} * * * *`;
  if (hours === 24) return `${spread % 60} ${spread % 24} * * *`;
  if (Number.isInteger(hours) && 24 % hours === 0) return `${spread % 60} */${hours} * * *`;
  throw new Error(`${name}: every ${minutes} minutes cannot be said in cron`);
}
