import { CloudEvent } from 'cloudevents';
import type { IHeaders, Message } from 'kafkajs';
import type { Event } from '../../../ports/events.ts';

const prefix = 'ce_';
/** The whole event as JSON: the structured mode. */
const structuredType = /^application\/cloudevents\+json\b/i;
/** The event type that Knative gives to a message that is not a CloudEvent. */
const foreignType = 'dev.knative.kafka.event';

/**
 * An event as a message, in the binary mode of the CloudEvents binding for Kafka: attributes are headers, data is the value, and
 * `partitionkey` is the key. Errors: the SDK's ValidationError or a TypeError if it is not a valid event.
 *
 * [Note: Numbers become text]
 * In binary mode every attribute is text. An extension that is a number or a boolean arrives as text.
 */
export function toMessage(event: Event, now: number): Message {
  const valid = event instanceof CloudEvent ? event : new CloudEvent(event);
  valid.validate();
  const { data, data_base64: _, datacontenttype, ...attributes } = valid.toJSON();
  const { partitionkey } = attributes;
  if (partitionkey !== undefined && typeof partitionkey !== 'string')
    throw new TypeError('partitionkey must be a string');
  const headers: IHeaders = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) headers[prefix + name] = String(value);
  }
  if (datacontenttype !== undefined) headers['content-type'] = String(datacontenttype);
  return { key: partitionkey ?? null, value: bytesOf(event.data ?? data), headers, timestamp: String(now) };
}

function bytesOf(data: unknown): Buffer | string | null {
  if (data === undefined || data === null) return null;
  if (data instanceof Uint8Array) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return typeof data === 'string' ? data : JSON.stringify(data);
}

/**
 * The event of a message, in binary or structured mode. As in Knative, a message that is not a CloudEvent becomes an event of the type
 * `dev.knative.kafka.event`; its data are the bytes.
 */
export function toEvent(topic: string, partition: number, message: ReceivedMessage): Event {
  try {
    const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)] as const);
    const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1];
    if (structuredType.test(type ?? '')) return structuredEvent(message);
    const attributes = Object.fromEntries(
      headers.filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]),
    );
    if (attributes.specversion === undefined) return foreignEvent(topic, partition, message);
    const data = dataOf(message.value, type);
    const whole = {
      ...attributes,
      ...(type === undefined ? {} : { datacontenttype: type }),
      ...(data === undefined ? {} : { data }),
    };
    return new CloudEvent(whole as unknown as Event);
  } catch {
    return foreignEvent(topic, partition, message);
  }
}

export interface ReceivedMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: IHeaders | undefined;
  readonly offset: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: string;
}

function dataOf(value: Buffer | null, type: string | undefined): unknown {
  if (value === null) return undefined;
  if (type !== undefined && /\bjson\b/i.test(type)) return JSON.parse(value.toString());
  return type?.startsWith('text/') ? value.toString() : value;
}

/** The key of the record is the partition key if the event has none. Errors: those of JSON, and of the SDK for an invalid event. */
function structuredEvent({ key, value }: ReceivedMessage): Event {
  const whole = JSON.parse(String(value)) as Event;
  const { partitionkey = key?.toString() } = whole;
  return new CloudEvent({ ...whole, ...(partitionkey === undefined ? {} : { partitionkey }) }) as Event;
}

const foreignEvent = (topic: string, partition: number, { key, value, offset, timestamp }: ReceivedMessage): Event =>
  new CloudEvent({
    id: `partition:${partition}/offset:${offset}`,
    type: foreignType,
    source: `/freeface/kafka#${topic}`,
    time: new Date(Number(timestamp)).toISOString(),
    ...(key === null ? {} : { partitionkey: key.toString() }),
    ...(value === null ? {} : { data: value }),
  }) as Event;
