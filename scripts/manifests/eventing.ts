import * as z from 'zod';
import { checkAnnotations } from './annotations.ts';
import { cronProblem } from './cron.ts';
import * as f from './forms.ts';

/** Kinds of eventing.knative.dev, messaging.knative.dev, flows.knative.dev and sources.knative.dev. */

const object = z.strictObject;

/** The target of events: an object with an address, or a URI. If both are given, the URI is relative to the object's address. */
const destination = object({
  ref: f.addressRef.optional(),
  uri: z.string().min(1).optional(),
  CACerts: z.string().optional(),
  audience: z.string().optional(),
}).superRefine(({ ref, uri }, context) => {
  if (ref === undefined && uri === undefined) f.refuse(context, ['ref'], 'is missing: give ref or uri');
  if (ref === undefined && uri !== undefined && !URL.canParse(uri))
    f.refuse(context, ['uri'], 'must be absolute if there is no ref');
});

/** Retries after the first attempt, pauses between them, and the sink of undeliverable events. */
const delivery = object({
  retry: f.integer(0, f.mostInt32).optional(),
  backoffPolicy: z.enum(['exponential', 'linear']).optional(),
  backoffDelay: f.isoDuration.optional(),
  timeout: f.isoDuration.optional(),
  retryAfterMax: f.isoDuration.optional(),
  deadLetterSink: destination.optional(),
  format: z.enum(['json', 'binary']).optional(),
}).superRefine(checkTimeout);

function checkTimeout({ timeout }: { timeout?: string | undefined }, context: z.RefinementCtx): void {
  if (timeout === undefined) return;
  const seconds = f.isoSeconds(timeout);
  if (seconds <= 0) f.refuse(context, ['timeout'], 'must be more than zero');
  if (seconds >= 600) f.refuse(context, ['timeout'], 'must be less than the longest revision timeout, PT600S');
}

const metadata = f.metadata.superRefine(({ annotations }, context) =>
  checkAnnotations(annotations, 'object', ['annotations'], context),
);
const reference = f.objectRef;

export const broker = object({
  apiVersion: z.literal('eventing.knative.dev/v1'),
  kind: z.literal('Broker'),
  metadata,
  spec: object({ config: reference.optional(), delivery: delivery.optional() }).optional(),
});

const attribute = z
  .string()
  .regex(/^[a-z][a-z0-9]*$/, 'must be a CloudEvents attribute: lower-case letters and digits');
const attributes = z.record(attribute, z.string());
const filter: z.ZodType = z.lazy(() =>
  object({
    exact: attributes.optional(),
    prefix: attributes.optional(),
    suffix: attributes.optional(),
    all: z.array(filter).min(1).optional(),
    any: z.array(filter).min(1).optional(),
    not: filter.optional(),
    cesql: f.nonEmpty.optional(),
  }).superRefine((value, context) =>
    f.exactlyOne(value, context, ['exact', 'prefix', 'suffix', 'all', 'any', 'not', 'cesql']),
  ),
);

export const trigger = object({
  apiVersion: z.literal('eventing.knative.dev/v1'),
  kind: z.literal('Trigger'),
  metadata,
  spec: object({
    broker: f.dnsName.optional(),
    brokerRef: reference.optional(),
    filter: object({ attributes: attributes.optional() }).optional(),
    filters: z.array(filter).optional(),
    subscriber: destination,
    delivery: delivery.optional(),
  }).superRefine((spec, context) => {
    if (spec.broker === undefined && spec.brokerRef === undefined) f.refuse(context, ['broker'], 'is missing');
  }),
});

export const subscription = object({
  apiVersion: z.literal('messaging.knative.dev/v1'),
  kind: z.literal('Subscription'),
  metadata,
  spec: object({
    channel: reference,
    subscriber: destination.optional(),
    reply: destination.optional(),
    delivery: delivery.optional(),
  }).superRefine((spec, context) => {
    if (spec.subscriber === undefined && spec.reply === undefined) f.refuse(context, ['subscriber'], 'is missing');
  }),
});

/** Knative writes this field from Subscriptions. */
const subscribers = z.array(z.looseObject({}));
const channelTemplate = object({ apiVersion: f.nonEmpty, kind: f.nonEmpty, spec: z.looseObject({}).optional() });
export const channel = object({
  apiVersion: z.literal('messaging.knative.dev/v1'),
  kind: z.literal('Channel'),
  metadata,
  spec: object({
    channelTemplate: channelTemplate.optional(),
    subscribers: subscribers.optional(),
    delivery: delivery.optional(),
  }).optional(),
});
export const inMemoryChannel = object({
  apiVersion: z.literal('messaging.knative.dev/v1'),
  kind: z.literal('InMemoryChannel'),
  metadata,
  spec: object({ subscribers: subscribers.optional(), delivery: delivery.optional() }).optional(),
});
export const kafkaChannel = object({
  apiVersion: z.literal('messaging.knative.dev/v1beta1'),
  kind: z.literal('KafkaChannel'),
  metadata,
  spec: object({
    numPartitions: f.integer(1).optional(),
    replicationFactor: f.integer(1).optional(),
    retentionDuration: f.isoDuration.optional(),
    subscribers: subscribers.optional(),
    delivery: delivery.optional(),
  }).optional(),
});

const step = object({ ...destination.shape, delivery: delivery.optional() });
export const sequence = object({
  apiVersion: z.literal('flows.knative.dev/v1'),
  kind: z.literal('Sequence'),
  metadata,
  spec: object({
    channelTemplate: channelTemplate.optional(),
    steps: z.array(step).min(1),
    reply: destination.optional(),
  }),
});
export const parallel = object({
  apiVersion: z.literal('flows.knative.dev/v1'),
  kind: z.literal('Parallel'),
  metadata,
  spec: object({
    channelTemplate: channelTemplate.optional(),
    branches: z
      .array(
        object({
          filter: destination.optional(),
          subscriber: destination,
          reply: destination.optional(),
          delivery: delivery.optional(),
        }),
      )
      .min(1),
    reply: destination.optional(),
  }),
});

const extension = z.string().regex(/^[a-z0-9]+$/, 'must be a CloudEvents extension: lower-case letters and digits');
const ceOverrides = object({ extensions: z.record(extension, z.string()).optional() });

export const pingSource = object({
  apiVersion: z.enum(['sources.knative.dev/v1', 'sources.knative.dev/v1beta2']),
  kind: z.literal('PingSource'),
  metadata,
  spec: object({
    schedule: z.string().superRefine((schedule, context) => {
      const problem = cronProblem(schedule);
      if (problem !== undefined) f.refuse(context, [], problem);
    }),
    timezone: z.string().refine(isTimeZone, 'must be a time zone such as Europe/Berlin').optional(),
    contentType: z
      .string()
      .regex(/^[\w.+-]+\/[\w.+-]+/, 'must be a media type')
      .optional(),
    data: z.string().optional(),
    dataBase64: z.base64().optional(),
    ceOverrides: ceOverrides.optional(),
    sink: destination,
  }).superRefine(({ data, dataBase64, contentType }, context) => {
    if (data !== undefined && dataBase64 !== undefined)
      f.refuse(context, ['dataBase64'], 'must not be given together with data');
    if (contentType === 'application/json' && data !== undefined && !isJson(data))
      f.refuse(context, ['data'], 'is not JSON, but contentType is application/json');
  }),
});

const secretKey = object({
  secretKeyRef: object({ name: f.dnsName, key: f.nonEmpty, optional: z.boolean().optional() }).optional(),
});
const topic = z
  .string()
  .max(249)
  .regex(/^[A-Za-z0-9._-]+$/, 'must be the name of a Kafka topic')
  .refine((name) => name !== '.' && name !== '..', 'must be the name of a Kafka topic');
const server = z.string().regex(/^[A-Za-z0-9.-]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/, 'must be host:port');
const servers = z.array(server).min(1);

export const kafkaSource = object({
  apiVersion: z.enum(['sources.knative.dev/v1beta1', 'sources.knative.dev/v1']),
  kind: z.literal('KafkaSource'),
  metadata: metadata.superRefine(({ labels }, context) => {
    const name = 'kafkasources.sources.knative.dev/key-type';
    for (const label of Object.keys(labels ?? {})) {
      if (label.startsWith('kafkasources.') && label !== name)
        f.refuse(context, ['labels', label], 'is not a label that KafkaSource knows');
    }
    const value = labels?.[name];
    if (value !== undefined && !['string', 'int', 'float', 'byte-array'].includes(value))
      f.refuse(context, ['labels', name], 'must be one of string, int, float, byte-array');
  }),
  spec: object({
    bootstrapServers: servers,
    topics: z.array(topic).min(1),
    consumerGroup: f.nonEmpty.optional(),
    consumers: f.integer(0, f.mostInt32).optional(),
    initialOffset: z.enum(['earliest', 'latest']).optional(),
    ordering: z.enum(['ordered', 'unordered']).optional(),
    ceOverrides: ceOverrides.optional(),
    net: object({
      sasl: object({
        enable: z.boolean().optional(),
        user: secretKey.optional(),
        password: secretKey.optional(),
        type: secretKey.optional(),
      }).optional(),
      tls: object({
        enable: z.boolean().optional(),
        cert: secretKey.optional(),
        key: secretKey.optional(),
        caCert: secretKey.optional(),
      }).optional(),
    }).optional(),
    sink: destination,
    delivery: wholeDelivery(),
  }),
});

/**
 * [Note: The delivery of a KafkaSource is complete]
 * If one field of `delivery` is given, Knative drops the defaults of the other fields. Without `retry` it retries nothing. Without
 * a dead letter sink it loses a failed event, because it commits the event's offset. So all fields must be given. Only `timeout`
 * keeps its default. Other kinds have `format`; a KafkaSource's schema does not have it, and the API server would drop it.
 */
function wholeDelivery() {
  const { format: _, ...fields } = delivery.shape;
  return object(fields).superRefine((value, context) => {
    checkTimeout(value, context);
    for (const name of ['retry', 'backoffPolicy', 'backoffDelay', 'deadLetterSink'] as const)
      if (value[name] === undefined)
        f.refuse(
          context,
          [name],
          'is missing: if one field of delivery is given, Knative drops the defaults of the others',
        );
  });
}

/** Kafka stores a replication factor as a 16-bit integer. */
const mostInt16 = 2 ** 15 - 1;

export const kafkaSink = object({
  apiVersion: z.enum(['eventing.knative.dev/v1alpha1', 'eventing.knative.dev/v1']),
  kind: z.literal('KafkaSink'),
  metadata,
  spec: object({
    topic,
    bootstrapServers: servers,
    numPartitions: f.integer(1, f.mostInt32).optional(),
    replicationFactor: f.integer(1, mostInt16).optional(),
    contentMode: z.enum(['binary', 'structured']).optional(),
    auth: object({ secret: object({ ref: object({ name: f.dnsName }) }) }).optional(),
  }),
});

export const sinkBinding = object({
  apiVersion: z.literal('sources.knative.dev/v1'),
  kind: z.literal('SinkBinding'),
  metadata,
  spec: object({
    subject: object({
      apiVersion: f.nonEmpty,
      kind: f.nonEmpty,
      name: f.dnsName.optional(),
      namespace: f.dnsLabel.optional(),
      selector: object({
        matchLabels: f.labels.optional(),
        matchExpressions: z
          .array(
            object({
              key: f.qualifiedName,
              operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
              values: z.array(z.string()).optional(),
            }),
          )
          .optional(),
      }).optional(),
    }),
    sink: destination,
    ceOverrides: ceOverrides.optional(),
  }),
});

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export type KafkaSource = z.input<typeof kafkaSource>;
export type PingSource = z.input<typeof pingSource>;
