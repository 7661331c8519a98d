import { enrolmentTopic } from '../../../shared/events/catalogue.ts';
import type { CronManifest, EventManifest, Manifest } from '../../../shared/function/define.ts';
import type { Delivery } from '../../../shared/ports/events.ts';
import type { KafkaSource, PingSource } from '../../manifests/eventing.ts';
import * as names from '../../manifests/names.ts';
import { deliveryOf, isEvent } from './delivery.ts';
import type { Comments } from './yaml.ts';

/** Address of Strimzi's cluster `kafka` in the namespace `kafka`. Overlays replace it. */
export const defaultBroker = 'kafka-kafka-bootstrap.kafka:9092';

/**
 * Returns the KafkaSource of an event function; undefined if the function reads no topic.
 *
 * [Note: Ordered delivery]
 * Ordered delivery means one event in flight for each partition. So two events with the same key (a person, a face, a webhook's queue)
 * are never processed at the same time. The topic's number of partitions limits how many events are processed at the same time.
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
      // Keys are bytes of UTF-8. Without this label a key with characters beyond ASCII would arrive changed.
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
        text: 'fixed: the default is random, and a recreated source would read all events again',
      },
      { path: ['spec', 'initialOffset'], text: 'the default, latest, skips events from before the source exists' },
      { path: ['spec', 'consumers'], text: 'members of the group; more members than partitions would be idle' },
      { path: ['spec', 'ordering'], text: 'one event in flight for each partition' },
      {
        path: ['spec', 'delivery'],
        text: `all fields: if one is given, Knative drops the defaults of the others. ${spanOf(delivery)}`,
      },
    ],
  };
}

/** The urgent lane has two members, so that it continues while one of them is moved. */
const consumersOf = (manifest: EventManifest): number =>
  manifest.trigger.topic === enrolmentTopic('critical') ? 2 : 1;

const duration = (milliseconds: number): string => `PT${milliseconds / 1000}S`;

/** Describes how long all pauses between attempts take together. */
function spanOf({ retry, backoff, backoffDelayMs }: Delivery): string {
  const milliseconds =
    backoff === 'linear' ? (backoffDelayMs * retry * (retry + 1)) / 2 : backoffDelayMs * (2 ** (retry + 1) - 2);
  const seconds = Math.round(milliseconds / 1000);
  return retry > 1000
    ? 'Retried until it succeeds'
    : `Given up after all retries, with pauses of ${seconds} s together`;
}

/** Returns the PingSource of a scheduled function; undefined if the function has no schedule. */
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
          ? 'more often than there is work, because a new installation needs its first run soon'
          : `every ${trigger.everyMinutes} minutes`,
      },
    ],
  };
}

/** A cluster has no single start of the process. So a function that runs at start runs at least this often, in minutes. */
const atStartMinutes = 10;

/** Returns the schedule of a function in cron form. Its minute depends on the name, so that not all functions start at the full hour. */
export function scheduleOf({ name, trigger: { everyMinutes, atStart } }: CronManifest): string {
  const minutes = atStart === true ? Math.min(everyMinutes, atStartMinutes) : everyMinutes;
  const spread = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  if (minutes < 60) return minutes === 1 ? '* * * * *' : `*/${minutes} * * * *`;
  const hours = minutes / 60;
  if (hours === 1) return `${spread % 60} * * * *`;
  if (hours === 24) return `${spread % 60} ${spread % 24} * * *`;
  if (Number.isInteger(hours) && 24 % hours === 0) return `${spread % 60} */${hours} * * *`;
  throw new Error(`${name}: cron cannot express a schedule of every ${minutes} minutes`);
}
