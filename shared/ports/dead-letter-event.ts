import { CloudEvent } from 'cloudevents';
import type { Event } from './events.ts';

/** Topic of the dead letters. */
export const deadLetterTopic = 'freeface.dead-letters';

/** How the delivery of an event failed. A field is null when the broker did not report it. */
export interface Failure {
  readonly topic: string | null;
  /** The subscriber that should have handled the event. */
  readonly group: string | null;
  /** HTTP status of the last attempt. */
  readonly status: number | null;
  readonly reason: string | null;
  readonly attempts: number | null;
  /** When the delivery was given up, in milliseconds since the epoch. */
  readonly at: number | null;
}

/**
 * The event that is published on the topic of dead letters.
 *
 * [Note: A dead letter is the original event]
 * After the last attempt Knative sends the unchanged event to the dead-letter sink, with three more attributes: the destination, its
 * status and its response. The brokers of this project do the same and add the topic, the attempts and the time. So one function stores
 * the dead letters of all brokers. An event of the dead-letter topic itself never becomes a dead letter: it is retried until it is stored.
 */
export function deadLetterEvent(event: Event, { topic, group, status, reason, attempts, at }: Failure): Event {
  const extensions = {
    knativeerrordest: group,
    knativeerrorcode: status,
    knativeerrordata: reason?.slice(0, 1024) || null,
    freefacetopic: topic,
    freefaceattempts: attempts,
    freefacefailedat: at === null ? null : new Date(at).toISOString(),
  };
  const known = Object.fromEntries(Object.entries(extensions).filter(([, value]) => value !== null));
  return new CloudEvent({ ...event, ...known }, false).toJSON() as unknown as Event;
}

/** The original event, and its failure. A missing or malformed attribute becomes null. */
export function readDeadLetter(letter: Event): { event: Event; failure: Failure } {
  const {
    knativeerrordest: group,
    knativeerrorcode: status,
    knativeerrordata: reason,
    freefacetopic: topic,
    freefaceattempts: attempts,
    freefacefailedat: at,
    ...event
  } = letter instanceof CloudEvent ? (letter.toJSON() as unknown as Event) : letter;
  const time = typeof at === 'string' ? Date.parse(at) : Number.NaN;
  return {
    event: event as Event,
    failure: {
      topic: textOf(topic),
      group: groupOf(textOf(group)),
      status: numberOf(status),
      reason: topic === undefined ? codeOf(textOf(reason)) : textOf(reason),
      attempts: numberOf(attempts),
      at: Number.isNaN(time) ? null : time,
    },
  };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** Knative sends the beginning of the response body in base64. Our functions write the error code there. */
function codeOf(data: string | null): string | null {
  const text = data === null ? '' : Buffer.from(data, 'base64').toString();
  return /^[A-Z][A-Z0-9_]{2,63}$/.test(text) ? text : data;
}

/** Accepts text too: over HTTP every attribute is text. */
function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

/** Knative reports the destination as an address: `http://process-enrollment-low.freeface.svc.cluster.local`. */
function groupOf(destination: string | null): string | null {
  if (destination === null || !URL.canParse(destination)) return destination;
  return new URL(destination).hostname.split('.')[0] || destination;
}
