import type { Delivery, EventAnswer } from '../../ports/events.ts';

/** What becomes of an event after an attempt. */
export type Verdict = 'done' | 'retry' | 'dead';

/** By the rule that Knative has, so that a function behaves the same behind both brokers. See: [Note: Two columns of errors]. */
export function verdictOf(status: number): Verdict {
  if (status >= 200 && status < 300) return 'done';
  if (status >= 500 || status === 404 || status === 408 || status === 409 || status === 429) return 'retry';
  return 'dead';
}

/** Pause in milliseconds after `failures` failed attempts (1 or more). `random` gives 0..1. */
export function backoffMs({ backoff, backoffDelayMs }: Delivery, failures: number, random: () => number): number {
  const pause = backoff === 'exponential' ? backoffDelayMs * 2 ** Math.min(failures - 1, 20) : backoffDelayMs;
  return Math.round(pause * (1 + 0.2 * random()));
}

/** Longest pause before an event is tried again that is not to blame, in milliseconds. */
const longestWaitMs = 60_000;

/**
 * Pause in milliseconds before an event comes again whose attempt does not count; null: it counts. `waits`: how often it has waited
 * for that already. `random` gives 0..1.
 */
export function waitMs(
  { notTriedMs, blameless }: EventAnswer,
  { backoffDelayMs }: Delivery,
  waits: number,
  random: () => number,
): number | null {
  const pause = blameless === true ? Math.min(longestWaitMs, backoffDelayMs * 2 ** Math.min(waits, 20)) : notTriedMs;
  return pause === undefined ? null : Math.round(pause * (1 + 0.2 * random()));
}
