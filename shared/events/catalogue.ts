import { CloudEvent } from 'cloudevents';
import * as z from 'zod';
import type { Event } from '../ports/events.ts';
import type { OutboxEntry } from '../ports/records.ts';
import type { Tenant } from '../ports/tenant.ts';

/** Kafka topics; the embedded broker keeps them under the same names. */
export const topics = ['freeface.events'] as const;
export type Topic = (typeof topics)[number];

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
  /** Request and reply with the image as the raw body. */
  'freeface.image.extract.v1': { topic: null, data: z.unknown(), terminal: false },
  'freeface.image.extracted.v1': { topic: null, data: z.unknown(), terminal: true },
} as const satisfies Record<string, { topic: Topic | null; data: z.ZodType; terminal: boolean }>;

export type EventType = keyof typeof catalogue;
export const eventTypes = Object.keys(catalogue) as EventType[];

/** true when an event of this type is a notice that nobody inside has to act on. */
export const isTerminal = (type: EventType): boolean => catalogue[type].terminal;

type DataOf<Type extends EventType> = z.output<(typeof catalogue)[Type]['data']>;

/** Builds an event as it is stored in the outbox. `key` is the person or face that orders it within the tenant. */
export function outboxEntry<Type extends EventType>(
  type: Type,
  fields: { id: string; at: number; tenant: Tenant; key: string; data: DataOf<Type>; traceparent?: string | undefined },
): OutboxEntry {
  const { topic } = catalogue[type];
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
    ...(fields.traceparent === undefined ? {} : { traceparent: fields.traceparent }),
  }).toJSON() as unknown as Event;
  return { topic, event };
}
