import { CloudEvent } from 'cloudevents';
import * as z from 'zod';
import { type Priority, priorities } from '../domain/priority.ts';
import { AppError } from '../errors.ts';
import { deadLetterTopic } from '../ports/dead-letter-event.ts';
import type { Event } from '../ports/events.ts';
import type { OutboxEntry } from '../ports/records/outbox.ts';
import type { Tenant } from '../ports/tenant.ts';

/** Kafka topics; the embedded broker keeps them under the same names. */
export const topics = [
  'freeface.events',
  'freeface.webhooks',
  'freeface.uploads',
  deadLetterTopic,
  ...priorities.map(enrolmentTopic),
] as const;
export type Topic = (typeof topics)[number];

/** Priorities have a topic each, so that no queue of others stands before an urgent one. */
export function enrolmentTopic<Lane extends Priority>(priority: Lane): `freeface.enrollments.${Lane}` {
  return `freeface.enrollments.${priority}`;
}

const faceReference = z.object({ face_id: z.string(), person_id: z.string().nullable(), image_id: z.string() });

/**
 * Every event type: the topic it travels on, its data, and the field whose value orders it. Data carries references, never
 * image bytes and never embeddings; a consumer tolerates unknown fields.
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
  /** An enrolment was accepted; its job says what is to be done. */
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
  /** A file came, changed or went; what is there counts, not what the event says. `path` within the tenant's part. */
  'freeface.upload.changed.v1': {
    topic: 'freeface.uploads',
    data: z.object({ path: z.string() }),
    terminal: false,
  },
  /** The same from a bucket, as KafkaSource wraps what is no CloudEvent: the notification as bytes. */
  'dev.knative.kafka.event': { topic: 'freeface.uploads', data: z.unknown(), terminal: false },
  /** Something is to be sent to a webhook; its queue says what. */
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

/** true when an event of this type is a notice that nobody inside has to act on. */
export const isTerminal = (type: EventType): boolean => catalogue[type].terminal;

/** The topic that an event travels on; null: it is none of ours, or travels on none. */
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
  throw new AppError('VALIDATION_FAILED', { message: `The event is no ${type}.`, cause: parsed.error });
}

/**
 * Builds an event as it is stored in the outbox. `key` is the person or face that orders it within the tenant; `priority` picks
 * the topic where there is one for each.
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
  if (topic === null) throw new RangeError(`${type} travels on no topic`);
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
