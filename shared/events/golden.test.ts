import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudEvent, HTTP, Kafka } from 'cloudevents';
import type { Message } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { type ReceivedMessage, toEvent, toMessage } from '../adapters/distributed/event-message.ts';
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

const failure = {
  topic: 'freeface.enrollments.high',
  group: 'process-enrollment-high',
  status: 422,
  reason: 'NO_FACE',
  attempts: 9,
  at: Date.UTC(2026, 4, 1, 11),
};

/** A golden file for each type, and one for an event that was given up. */
type Name = EventType | 'dead-letter';
const names = [...Object.keys(examples), 'dead-letter'] as Name[];
const typeOf = (name: Name): EventType => (name === 'dead-letter' ? 'freeface.enrollment.requested.v1' : name);
const eventOf = (name: Name): Event =>
  name === 'dead-letter' ? deadLetterEvent(exampleOf(typeOf(name)), failure) : exampleOf(name);

interface KafkaRecord {
  readonly key: string | null;
  readonly headers: Record<string, string>;
  readonly value: string;
}

interface Golden {
  readonly event: Event;
  readonly binary: { readonly headers: Record<string, string>; readonly body: string };
  readonly structured: { readonly headers: Record<string, string>; readonly body: string };
  readonly kafka: KafkaRecord;
  /** As the SDK writes it; we read it and write the binary mode. */
  readonly kafkaStructured: KafkaRecord;
}

const folder = 'shared/events/golden';
const fileOf = (name: Name): string => join(folder, `${name}.json`);
/** Run with UPDATE_GOLDEN=1 after a deliberate change, and look at the difference. */
const updating = process.env.UPDATE_GOLDEN === '1';

function goldenOf(name: Name): Golden {
  if (updating) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(fileOf(name), `${JSON.stringify(encoded(eventOf(name)), null, 2)}\n`);
  }
  return JSON.parse(readFileSync(fileOf(name), 'utf8')) as Golden;
}

function encoded(event: Event): Golden {
  const [binary, structured] = [HTTP.binary(new CloudEvent(event)), HTTP.structured(new CloudEvent(event))];
  return {
    event,
    binary: { headers: binary.headers as Record<string, string>, body: String(binary.body) },
    structured: { headers: structured.headers as Record<string, string>, body: String(structured.body) },
    kafka: recordOf(toMessage(event, 0)),
    kafkaStructured: recordOf(Kafka.structured(new CloudEvent(event)) as never),
  };
}

const recordOf = ({ key, headers, value }: Pick<Message, 'key' | 'headers' | 'value'>): KafkaRecord => ({
  key: key === null || key === undefined ? null : String(key),
  headers: headers as Record<string, string>,
  value: String(value),
});

const received = ({ key, headers, value }: KafkaRecord): ReceivedMessage => ({
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
  headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  offset: '7',
  timestamp: '0',
});
const sdkRead = ({ key, headers, value }: KafkaRecord): unknown =>
  Kafka.toEvent({ key: key ?? undefined, headers, value, body: value } as never);

const plain = (event: unknown): unknown => JSON.parse(JSON.stringify(event));
/** See: [Note: Numbers on the way] */
const told = (name: Name, event: unknown): unknown =>
  plain(name === 'dead-letter' ? readDeadLetter(event as Event) : event);

describe('events as they travel', () => {
  it('When a type is added, then there is an example of it', () => {
    expect([...Object.keys(examples), ...withoutGolden].sort()).toEqual([...eventTypes].sort());
  });

  it.each(names)('When %s is built, then it is what its golden file says, in every form', (name) => {
    const golden = goldenOf(name);

    expect(existsSync(fileOf(name))).toBe(true);
    expect(plain(encoded(eventOf(name)))).toEqual(golden);
  });

  it.each(names)('When the parser of the SDK reads %s from its golden file, then it is the event', (name) => {
    const { event, binary, structured, kafka, kafkaStructured } = goldenOf(name);
    const read = [HTTP.toEvent(binary), HTTP.toEvent(structured), sdkRead(kafka), sdkRead(kafkaStructured)];

    for (const each of read) expect(told(name, each)).toEqual(told(name, event));
    expect(eventData(typeOf(name), HTTP.toEvent(binary) as Event)).toEqual(examples[typeOf(name)]);
  });

  it.each(names)('When a record of Kafka holds %s, in either mode, then our reader gives the event', (name) => {
    const { event, kafka, kafkaStructured } = goldenOf(name);

    const read = [kafka, kafkaStructured].map((record) => toEvent('topic', 0, received(record)));

    for (const each of read) expect(told(name, each)).toEqual(told(name, event));
  });

  it('When a structured record has a key and its event names none, then that is the partition key; what is no event stays foreign', () => {
    const { partitionkey: _, ...event } = exampleOf('freeface.person.created.v1');
    const headers = { 'content-type': 'application/cloudevents+json; charset=UTF-8' };
    const record = { key: 'default/ada', headers, value: JSON.stringify(event) };

    const read = toEvent('topic', 0, received(record));
    const broken = toEvent('topic', 3, received({ ...record, value: '{' }));

    expect(plain(read)).toEqual({ ...event, partitionkey: 'default/ada' });
    expect(broken).toMatchObject({ type: 'dev.knative.kafka.event', id: 'partition:3/offset:7' });
  });

  it('When an event is given up, then the letter is the event and its failure, over HTTP too', () => {
    const event = exampleOf('freeface.enrollment.requested.v1');

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
