import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudEvent, HTTP, Kafka } from 'cloudevents';
import type { Message } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { type ReceivedMessage, toEvent, toMessage } from '../adapters/distributed/kafka/event-message.ts';
import { deadLetterEvent, readDeadLetter } from '../ports/dead-letter-event.ts';
import type { Event } from '../ports/events.ts';
import { defaultTenant } from '../ports/tenant.ts';
import { uploadsOfNotification } from './bucket-notification.ts';
import { type EventType, eventData, eventTypes, outboxEntry } from './catalogue.ts';

const faceId = '1ca19c9b-1521-5cf0-b3e8-373f9bdf2491';
const jobId = '01a20d80-1b5c-7f3a-8c39-5a7d0a4f9c11';
const reference = { face_id: faceId, person_id: 'ada', image_id: 'fd494fe4-009e-5cc1-911b-a43ca874d394' };

/** Example data of each type that the platform publishes on a topic. */
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

const id = '01a20d80-1b5c-7f3a-8c39-5a7d0a4f9c13';
const at = Date.UTC(2026, 4, 1, 10);
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const eventKey = 'freeface-uploads/uploads/default/Zoë/größe + 1.jpg';

/** Example fields of types that have no topic or that others publish: raw bytes, and a reply. */
const others: Readonly<Partial<Record<EventType, Partial<Event>>>> = {
  'dev.knative.kafka.event': {
    id: 'partition:3/offset:7',
    source: '/freeface/kafka#freeface.uploads',
    partitionkey: eventKey,
    data: Buffer.from(
      JSON.stringify({
        EventName: 's3:ObjectCreated:Put',
        Key: eventKey,
        Records: [{ s3: { object: { key: 'uploads/default/Zo%C3%AB/gr%C3%B6%C3%9Fe+%2B+1.jpg' } } }],
      }),
    ),
  },
  'freeface.image.extract.v1': {
    datacontenttype: 'application/octet-stream',
    purpose: 'template',
    embed: 'true',
    pack: 'builtin',
    // Not valid text in any encoding.
    data: Buffer.from('ffd8ffe000104a46494600', 'hex'),
  },
  'freeface.image.extracted.v1': {
    subject: '01a20d80-1b5c-7f3a-8c39-5a7d0a4f9c14',
    datacontenttype: 'application/json',
    traceparent,
    data: {
      image: { format: 'jpeg', contentType: 'image/jpeg', width: 640, height: 480, capturedAt: null, location: null },
      model: { pack: 'builtin', space: 'dlib-resnet-128.p1', dimension: 2 },
      faces: [
        {
          box: { left: 200, top: 100, width: 200, height: 220 },
          confidence: 0.99,
          quality: { score: 1, reasons: [], weakest: null },
          embedding: 'AACAPwAAAAA=',
        },
      ],
    },
  },
};

function exampleOf(type: EventType): Event {
  const fields = others[type];
  if (fields !== undefined) {
    const time = new Date(at).toISOString();
    return new CloudEvent({ id, type, source: '/freeface', time, ...fields }) as Event;
  }
  const data = examples[type] as never;
  return outboxEntry(type, { id, at, tenant: defaultTenant, key: 'ada', priority: 'high', traceparent, data }).event;
}

const failure = {
  topic: 'freeface.enrollments.high',
  group: 'process-enrollment-high',
  status: 422,
  reason: 'NO_FACE',
  attempts: 9,
  at: Date.UTC(2026, 4, 1, 11),
};

/** A golden file for each type, and one for a dead letter. */
type Name = EventType | 'dead-letter';
const names = [...Object.keys(examples), ...Object.keys(others), 'dead-letter'] as Name[];
const typeOf = (name: Name): EventType => (name === 'dead-letter' ? 'freeface.enrollment.requested.v1' : name);
const eventOf = (name: Name): Event =>
  name === 'dead-letter' ? deadLetterEvent(exampleOf(typeOf(name)), failure) : exampleOf(name);

/** Text, or bytes. */
type Body = string | { readonly base64: string };
const kept = (body: unknown): Body =>
  body instanceof Uint8Array ? { base64: Buffer.from(body).toString('base64') } : String(body);
const sent = (body: Body): string | Buffer => (typeof body === 'string' ? body : Buffer.from(body.base64, 'base64'));

interface KafkaRecord {
  readonly key: string | null;
  readonly headers: Record<string, string>;
  readonly value: Body;
}

interface HttpMessage {
  readonly headers: Record<string, string>;
  readonly body: Body;
}

interface Golden {
  readonly event: Event;
  readonly binary: HttpMessage;
  readonly structured: HttpMessage;
  readonly kafka: KafkaRecord;
  /** As the SDK writes it. The platform reads this mode, and writes the binary mode. */
  readonly kafkaStructured: KafkaRecord;
}

const folder = 'shared/events/golden';
const fileOf = (name: Name): string => join(folder, `${name}.json`);
/** After an intended change, run with UPDATE_GOLDEN=1 and check the difference. */
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
    binary: { headers: binary.headers as Record<string, string>, body: kept(binary.body) },
    structured: { headers: structured.headers as Record<string, string>, body: kept(structured.body) },
    kafka: recordOf(toMessage(event, 0)),
    kafkaStructured: recordOf(Kafka.structured(new CloudEvent(event)) as never),
  };
}

const recordOf = ({ key, headers, value }: Pick<Message, 'key' | 'headers' | 'value'>): KafkaRecord => ({
  key: key === null || key === undefined ? null : String(key),
  headers: headers as Record<string, string>,
  value: kept(value),
});

const received = ({ key, headers, value }: KafkaRecord): ReceivedMessage => ({
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(sent(value)),
  headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  offset: '7',
  timestamp: '0',
});
const sdkRead = ({ key, headers, value }: KafkaRecord): unknown =>
  Kafka.toEvent({ key: key ?? undefined, headers, value: sent(value), body: sent(value) } as never);
const httpRead = ({ headers, body }: HttpMessage): Event => HTTP.toEvent({ headers, body: sent(body) }) as Event;

const plain = (event: unknown): unknown => JSON.parse(JSON.stringify(event));
/** See: [Note: Numbers become text] */
function comparable(name: Name, event: unknown): unknown {
  if (name === 'dead-letter') return plain(readDeadLetter(event as Event));
  const fields = plain(event) as Event;
  // If there is no content type, the SDK sets JSON.
  return name === 'dev.knative.kafka.event' ? { ...fields, datacontenttype: undefined } : fields;
}

describe('encoded events', () => {
  it('When an event type is added, then it has an example', () => {
    expect([...Object.keys(examples), ...Object.keys(others)].sort()).toEqual([...eventTypes].sort());
  });

  it.each(names)('When %s is built, then every encoding equals its golden file', (name) => {
    const golden = goldenOf(name);

    expect(existsSync(fileOf(name))).toBe(true);
    expect(plain(encoded(eventOf(name)))).toEqual(golden);
  });

  it.each(names)('When the parser of the SDK reads %s from its golden file, then it returns the event', (name) => {
    const { event, binary, structured, kafka, kafkaStructured } = goldenOf(name);
    const read = [httpRead(binary), httpRead(structured), sdkRead(kafka), sdkRead(kafkaStructured)];

    for (const each of read) expect(comparable(name, each)).toEqual(comparable(name, event));
    expect(eventData(typeOf(name), httpRead(binary))).toEqual(exampleOf(typeOf(name)).data);
  });

  it.each(names)('When a Kafka record contains %s, in either mode, then the platform reads the event', (name) => {
    const { event, kafka, kafkaStructured } = goldenOf(name);

    const read = [kafka, kafkaStructured].map((record) => toEvent('topic', 0, received(record)));

    for (const each of read) expect(comparable(name, each)).toEqual(comparable(name, event));
  });

  it('When a bucket writes to Kafka, then its record without headers is read as the event of the golden file, and names the file', () => {
    const { event } = goldenOf('dev.knative.kafka.event');
    const bytes = Buffer.from(event.data_base64 as string, 'base64');
    const record = { ...received({ key: eventKey, headers: {}, value: String(bytes) }), timestamp: String(at) };

    const read = toEvent('freeface.uploads', 3, record);

    expect(plain(read)).toEqual(event);
    expect(uploadsOfNotification(read.data)).toEqual([{ tenant: 'default', path: 'Zoë/größe + 1.jpg' }]);
  });

  it('When a structured record has a key and its event has none, then the key is the partition key; a record without an event is foreign', () => {
    const { partitionkey: _, ...event } = exampleOf('freeface.person.created.v1');
    const headers = { 'content-type': 'application/cloudevents+json; charset=UTF-8' };
    const record = { key: 'default/ada', headers, value: JSON.stringify(event) };

    const read = toEvent('topic', 0, received(record));
    const broken = toEvent('topic', 3, received({ ...record, value: '{' }));

    expect(plain(read)).toEqual({ ...event, partitionkey: 'default/ada' });
    expect(broken).toMatchObject({ type: 'dev.knative.kafka.event', id: 'partition:3/offset:7' });
  });

  it('When an event becomes a dead letter, then the letter contains the event and its failure, also over HTTP', () => {
    const event = exampleOf('freeface.enrollment.requested.v1');

    const letter = deadLetterEvent(event, failure);
    const received = HTTP.toEvent(HTTP.binary(new CloudEvent(letter))) as Event;

    expect(plain(readDeadLetter(letter))).toEqual({ event, failure });
    expect(plain(readDeadLetter(received))).toEqual({ event, failure });
  });

  it('When Knative makes a dead letter, then its known fields are read', () => {
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
