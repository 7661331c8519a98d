import * as z from 'zod';
import type { StoredDeadLetter } from '../ports/records/dead-letters.ts';
import { presentTime } from './gallery.ts';

/** An event that could not be processed, as the API returns it. */
export const deadLetter = z.object({
  dead_letter_id: z.string(),
  type: z.string().describe('Type of the event.'),
  topic: z.string().nullable().describe('null: unknown.'),
  group: z.string().nullable().describe('Function that failed to process the event; null: unknown.'),
  status: z.number().int().nullable().describe('HTTP status of the last attempt; null: unknown.'),
  reason: z.string().nullable().describe('Reason of the failure, such as `NO_FACE`; null: unknown.'),
  attempts: z.number().int().nullable().describe('Number of attempts; null: unknown.'),
  trace_id: z.string().nullable().describe('W3C trace id of the event; null: it has none.'),
  at: z.string().describe('Time when the event became a dead letter.'),
});

export const deadLetterId = z.guid('must be a UUID').describe('Id of a dead letter.');

/** A dead letter must match all given fields. */
export const filterFields = {
  type: z.string().min(1).max(128).optional().describe('Type of the event.'),
  reason: z.string().min(1).max(256).optional().describe('Exact reason of the failure, such as `NO_FACE`.'),
};

export const exampleLetter = {
  dead_letter_id: '5f4d7dd5-0d6c-5b0a-8f2c-2b6f9a6f1c11',
  type: 'freeface.enrollment.requested.v1',
  topic: 'freeface.enrollments.normal',
  group: 'process-enrollment-normal',
  status: 422,
  reason: 'NO_FACE',
  attempts: 1,
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  at: '2026-05-01T10:00:00.000Z',
};

export const presentDeadLetter = (letter: StoredDeadLetter): z.input<typeof deadLetter> => ({
  dead_letter_id: letter.deadLetterId,
  type: letter.type,
  topic: letter.topic,
  group: letter.group,
  status: letter.status,
  reason: letter.reason,
  attempts: letter.attempts,
  trace_id: traceOf(letter.event.traceparent),
  at: presentTime(letter.at),
});

const traceOf = (traceparent: unknown): string | null =>
  (typeof traceparent === 'string' ? /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent)?.[1] : undefined) ?? null;
