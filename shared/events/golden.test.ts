import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudEvent, HTTP, Kafka } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { toEvent, toMessage } from '../adapters/distributed/event-message.ts';
import { deadLetterEvent, readDeadLetter } from '../ports/dead-letter-event.ts';
import type { Event } from '../ports/events.ts';
import { defaultTenant } from '../ports/tenant.ts';
import { type EventType, eventData, eventTypes, outboxEntry } from './catalogue.ts';

const faceId = '1ca19c9b-1521-5cf0-b3e8-373f9bdf2491';
const jobId = '01a20d80-1b5c-7f3a-8c39-5a7d0a4f9c11';
const reference = { face_id: faceId, person_id: 'ada', image_id: 'fd494fe4-009e-5cc1-911b-a43ca874d394' };

/** What each type that travels on a topic of ours carries. */
const examples: Readonly<Partial<Record<EventType, object>>> = {
  'freeface.face.enrolled.v1': reference,
  'freeface.face.erased.v1': { ...reference, person_id: null },
  'freeface.person.created.v1': { person_id: 'ada' },
  'freeface.person.updated.v1': { person_id: 'ada', version: 2 },
  'freeface.person.erased.v1': { person_id: 'ada', faces: 3 },
  'freeface.enrollment.requested.v1': { job_id: jobId, face_id: faceId },
  'freeface.enrollment.completed.v1': { job_id: jobId, face_id: faceId, person_id: 'ada' },
  'freeface.enrollment.failed.v1': { job_id: jobId, face_id: faceId, code: 'NO_FACE' },
  'freeface.enrollment.cancelled.v1': { job_id: jobId, face_id: faceId },
  'freeface.upload.changed.v1': { path: 'Zoë/größe + 1.jpg' },
  'freeface.webhook.due.v1': { queue: 'default/01a20d80-1b5c-7f3a-8c39-5a7d0a4f9c12' },
};

/** Of others, or with an image as the raw body. */
const withoutGolden: readonly EventType[] = [
  'dev.knative.kafka.event',
  'freeface.image.extract.v1',
  'freeface.image.extracted.v1',
];

const exampleOf = (type: EventType): Event =>
  outboxEntry(type, {
    id: '01a20d80-1b5c-7f3a-8c39-5a7d0a4f9c13',
    at: Date.UTC(2026, 4, 1, 10),
    tenant: defaultTenant,
    key: 'ada',
    priority: 'high',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    data: examples[type] as never,
  }).event;

interface Golden {
  readonly event: Event;
  readonly binary: { readonly headers: Record<string, string>; readonly body: string };
  readonly structured: { readonly headers: Record<string, string>; readonly body: string };
  readonly kafka: { readonly key: string | null; readonly headers: Record<string, string>; readonly value: string };
}

const folder = 'shared/events/golden';
const fileOf = (type: EventType): string => join(folder, `${type}.json`);
/** Run with UPDATE_GOLDEN=1 after a deliberate change, and look at the difference. */
const updating = process.env.UPDATE_GOLDEN === '1';

function goldenOf(type: EventType): Golden {
  if (updating) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(fileOf(type), `${JSON.stringify(encoded(exampleOf(type)), null, 2)}\n`);
  }
  return JSON.parse(readFileSync(fileOf(type), 'utf8')) as Golden;
}

function encoded(event: Event): Golden {
  const [binary, structured] = [HTTP.binary(new CloudEvent(event)), HTTP.structured(new CloudEvent(event))];
  const message = toMessage(event, 0);
  return {
    event,
    binary: { headers: binary.headers as Record<string, string>, body: String(binary.body) },
    structured: { headers: structured.headers as Record<string, string>, body: String(structured.body) },
    kafka: {
      key: message.key === null || message.key === undefined ? null : String(message.key),
      headers: message.headers as Record<string, string>,
      value: String(message.value),
    },
  };
}

const plain = (event: unknown): unknown => JSON.parse(JSON.stringify(event));

describe('events as they travel', () => {
  it('When a type is added, then there is an example of it', () => {
    expect([...Object.keys(examples), ...withoutGolden].sort()).toEqual([...eventTypes].sort());
  });

  it.each(Object.keys(examples) as EventType[])(
    'When %s is built, then it is what its golden file says, in every form',
    (type) => {
      const golden = goldenOf(type);

      expect(existsSync(fileOf(type))).toBe(true);
      expect(plain(encoded(exampleOf(type)))).toEqual(golden);
    },
  );

  it.each(Object.keys(examples) as EventType[])(
    'When the parser of the SDK reads %s from its golden file, then it is the event',
    (type) => {
      const { event, binary, structured, kafka } = goldenOf(type);
      const { key, headers, value } = kafka;

      expect(plain(HTTP.toEvent(binary))).toEqual(event);
      expect(plain(HTTP.toEvent(structured))).toEqual(event);
      expect(plain(Kafka.toEvent({ key: key ?? undefined, headers, value, body: value } as never))).toEqual(event);
      expect(eventData(type, HTTP.toEvent(binary) as Event)).toEqual(examples[type]);
    },
  );

  it.each(Object.keys(examples) as EventType[])(
    'When a record of Kafka holds %s, then our reader gives the event',
    (type) => {
      const { event, kafka } = goldenOf(type);
      const headers = Object.fromEntries(
        Object.entries(kafka.headers).map(([name, text]) => [name, Buffer.from(text)]),
      );

      const read = toEvent('topic', 0, {
        key: kafka.key === null ? null : Buffer.from(kafka.key),
        value: Buffer.from(kafka.value),
        headers,
        offset: '7',
        timestamp: '0',
      });

      expect(plain(read)).toEqual(event);
    },
  );

  it('When an event is given up, then the letter is the event and its failure, over HTTP too', () => {
    const event = exampleOf('freeface.enrollment.requested.v1');
    const failure = {
      topic: 'freeface.enrollments.high',
      group: 'process-enrollment-high',
      status: 422,
      reason: 'NO_FACE',
      attempts: 9,
      at: Date.UTC(2026, 4, 1, 11),
    };

    const letter = deadLetterEvent(event, failure);
    const received = HTTP.toEvent(HTTP.binary(new CloudEvent(letter))) as Event;

    expect(plain(readDeadLetter(letter))).toEqual({ event, failure });
    expect(plain(readDeadLetter(received))).toEqual({ event, failure });
  });

  it('When Knative gives up an event, then as much as it says is read', () => {
    const event = exampleOf('freeface.enrollment.requested.v1');

    const letter = {
      ...event,
      knativeerrordest: 'http://process-enrollment-high.freeface.svc.cluster.local',
      knativeerrorcode: '422',
      knativeerrordata: Buffer.from('NO_FACE').toString('base64'),
    };

    expect(readDeadLetter(letter)).toEqual({
      event,
      failure: {
        topic: null,
        group: 'process-enrollment-high',
        status: 422,
        reason: 'NO_FACE',
        attempts: null,
        at: null,
      },
    });
    expect(readDeadLetter(event).failure.status).toBeNull();
  });
});
