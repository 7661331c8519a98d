import { CloudEvent } from 'cloudevents';
import * as z from 'zod';
import { type Priority, priorities } from '../domain/priority.ts';
import { AppError } from '../errors.ts';
import { deadLetterTopic } from '../ports/dead-letter-event.ts';
import type { Event } from '../ports/events.ts';
import type { OutboxEntry } from '../ports/records/outbox.ts';
import type { Tenant } from '../ports/tenant.ts';

/** Kafka topics; the embedded broker uses the same names. */
export const topics = [
  'freeface.events',
  'freeface.webhooks',
  'freeface.uploads',
  deadLetterTopic,
  ...priorities.map(enrolmentTopic),
] as const;
export type Topic = (typeof topics)[number];

/** Each priority has its own topic, so that urgent jobs do not wait behind others. */
export function enrolmentTopic<Lane extends Priority>(priority: Lane): `freeface.enrollments.${Lane}` {
  return `freeface.enrollments.${priority}`;
}

const faceReference = z.object({ face_id: z.string(), person_id: z.string().nullable(), image_id: z.string() });

/**
 * Every event type: its topic, its data, and `terminal` (see isTerminal). Data contains references, but no image bytes and no embeddings.
 * A consumer ignores unknown fields.
 */
const catalogue = {
  'freeface.face.enrolled.v1': { topic: 'freeface.events', data: faceReference, terminal: true },
  'freeface.face.erased.v1': { topic: 'freeface.events', data: faceReference, terminal: true },
  'freeface.person.created.v1': { topic: 'freeface.events', data: z.object({ person_id: z.string() }), terminal: true },
  'freeface.person.updated.v1': {
    topic: 'freeface.events',
    data: z.object({ person_id: z.string(), version: z.number() }),
    terminal: true,
  },
  'freeface.person.erased.v1': {
    topic: 'freeface.events',
    data: z.object({ person_id: z.string(), faces: z.number() }),
    terminal: true,
  },
  /** An enrolment was accepted; its job has the details. */
  'freeface.enrollment.requested.v1': {
    topic: enrolmentTopic,
    data: z.object({ job_id: z.string(), face_id: z.string() }),
    terminal: false,
  },
  'freeface.enrollment.completed.v1': {
    topic: 'freeface.events',
    data: z.object({ job_id: z.string(), face_id: z.string(), person_id: z.string().nullable() }),
    terminal: true,
  },
  'freeface.enrollment.failed.v1': {
    topic: 'freeface.events',
    data: z.object({ job_id: z.string(), face_id: z.string(), code: z.string() }),
    terminal: true,
  },
  'freeface.enrollment.cancelled.v1': {
    topic: 'freeface.events',
    data: z.object({ job_id: z.string(), face_id: z.string() }),
    terminal: true,
  },
  /** A file was created, changed or deleted; the event does not say which. `path` is relative to the tenant's folder. */
  'freeface.upload.changed.v1': {
    topic: 'freeface.uploads',
    data: z.object({ path: z.string() }),
    terminal: false,
  },
  /** A bucket's notification as bytes. KafkaSource gives this type to messages that are not CloudEvents. */
  'dev.knative.kafka.event': { topic: 'freeface.uploads', data: z.unknown(), terminal: false },
  /** A queue of webhook messages has due messages. */
  'freeface.webhook.due.v1': { topic: 'freeface.webhooks', data: z.object({ queue: z.string() }), terminal: false },
  /** Request and reply with the image as the raw body. */
  'freeface.image.extract.v1': { topic: null, data: z.unknown(), terminal: false },
  'freeface.image.extracted.v1': { topic: null, data: z.unknown(), terminal: true },
} as const satisfies Record<
  string,
  { topic: Topic | ((priority: Priority) => Topic) | null; data: z.ZodType; terminal: boolean }
>;

export type EventType = keyof typeof catalogue;
export const eventTypes = Object.keys(catalogue) as EventType[];

/** Whether an event of this type only informs: no function of the platform needs to handle it. */
export const isTerminal = (type: EventType): boolean => catalogue[type].terminal;

/** The topic of an event; null: the type is unknown or has no topic. */
export function topicOf({ type, priority }: Event): Topic | null {
  const place = Object.hasOwn(catalogue, type) ? catalogue[type as EventType].topic : null;
  if (typeof place !== 'function') return place;
  return place(priorities.find((each) => each === priority) ?? 'normal');
}

type DataOf<Type extends EventType> = z.output<(typeof catalogue)[Type]['data']>;

/** The data of an event of this type. Errors: VALIDATION_FAILED. */
export function eventData<Type extends EventType>(type: Type, event: Event): DataOf<Type> {
  const parsed = catalogue[type].data.safeParse(event.data);
  if (event.type === type && parsed.success) return parsed.data as DataOf<Type>;
  throw new AppError('VALIDATION_FAILED', { message: `The event is not a valid ${type}.`, cause: parsed.error });
}

/**
 * Builds an event for the outbox. Events of a tenant with the same `key` (a person or face) stay in order. `priority` selects the topic
 * if the type has one topic for each priority.
 */
export function outboxEntry<Type extends EventType>(
  type: Type,
  fields: {
    id: string;
    at: number;
    tenant: Tenant;
    key: string;
    data: DataOf<Type>;
    priority?: Priority;
    traceparent?: string | undefined;
  },
): OutboxEntry {
  const { priority = 'normal' } = fields;
  const place = catalogue[type].topic;
  const topic = typeof place === 'function' ? place(priority) : place;
  if (topic === null) throw new RangeError(`${type} has no topic`);
  const event: Event = new CloudEvent({
    id: fields.id,
    type,
    source: '/freeface',
    time: new Date(fields.at).toISOString(),
    subject: fields.key,
    datacontenttype: 'application/json',
    data: fields.data,
    tenant: fields.tenant,
    partitionkey: `${fields.tenant}/${fields.key}`,
    ...(fields.priority === undefined ? {} : { priority }),
    ...(fields.traceparent === undefined ? {} : { traceparent: fields.traceparent }),
  }).toJSON() as unknown as Event;
  return { topic, event };
}
