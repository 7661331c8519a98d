import type { Delivery, EventAnswer } from '../../ports/events.ts';

/** The next step for an event after an attempt. */
export type Verdict = 'done' | 'retry' | 'dead';

/** Knative's rule, so that a function behaves the same with all brokers. See: [Note: Two columns of errors] */
export function verdictOf(status: number): Verdict {
  if (status >= 200 && status < 300) return 'done';
  if (status >= 500 || status === 404 || status === 408 || status === 409 || status === 429) return 'retry';
  return 'dead';
}

/** Pause in milliseconds after `failures` failed attempts (1 or more). `random` returns 0..1. */
export function backoffMs({ backoff, backoffDelayMs }: Delivery, failures: number, random: () => number): number {
  const pause = backoff === 'exponential' ? backoffDelayMs * 2 ** Math.min(failures - 1, 20) : backoffDelayMs;
  return Math.round(pause * (1 + 0.2 * random()));
}

/** Longest pause after a `blameless` answer, in milliseconds. */
const longestWaitMs = 60_000;

/**
 * Pause in milliseconds after an attempt that does not count; null: the attempt counts. `waits`: number of earlier `blameless` answers.
 * `random` returns 0..1.
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
