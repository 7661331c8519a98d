import type { Delivery } from '../../ports/events.ts';

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
