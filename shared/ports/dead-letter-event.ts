import { CloudEvent } from 'cloudevents';
import type { Event } from './events.ts';

/** Where events go that were given up. */
export const deadLetterTopic = 'freeface.dead-letters';

/** How an event was given up. null: whoever gave it up did not say. */
export interface Failure {
  readonly topic: string | null;
  /** Who was to handle it. */
  readonly group: string | null;
  readonly status: number | null;
  readonly reason: string | null;
  readonly attempts: number | null;
  /** Milliseconds since the epoch. */
  readonly at: number | null;
}

/**
 * An event that was given up, as it travels.
 *
 * [Note: Dead letters travel as themselves]
 * Knative sends the event that it gave up to the dead-letter sink as it was, with three attributes more: where it was to go, how
 * that answered, and what it said. The brokers here do the same and add topic, attempts and time, so that one function keeps
 * the letters of all of them. An event of the dead-letter topic is never given up itself: it is delivered until it is kept.
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

/** The event as it was, and what is known of its failure. Tolerates whatever is missing. */
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

/** Knative writes how the answer's body began, in base64: our error code. */
function codeOf(data: string | null): string | null {
  const text = data === null ? '' : Buffer.from(data, 'base64').toString();
  return /^[A-Z][A-Z0-9_]{2,63}$/.test(text) ? text : data;
}

/** Over HTTP every attribute is text. */
function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

/** Knative names the address that it sent to: `http://process-enrollment-low.freeface.svc.cluster.local`. */
function groupOf(destination: string | null): string | null {
  if (destination === null || !URL.canParse(destination)) return destination;
  return new URL(destination).hostname.split('.')[0] || destination;
}
