import * as z from 'zod';
import type { StoredDeadLetter } from '../ports/records/dead-letters.ts';
import { presentTime } from './gallery.ts';

/** An event that was given up, as the API tells it. */
export const deadLetter = z.object({
  dead_letter_id: z.string(),
  type: z.string().describe('Of the event.'),
  topic: z.string().nullable(),
  group: z.string().nullable().describe('The function that was to handle it.'),
  status: z.number().int().nullable().describe('How its last attempt was answered.'),
  reason: z.string().nullable(),
  attempts: z.number().int().nullable(),
  trace_id: z.string().nullable(),
  at: z.string().describe('When it was given up.'),
});

export const deadLetterId = z.guid('must be a UUID').describe('Id of a dead letter.');

/** Conditions hold together. */
export const filterFields = {
  type: z.string().min(1).max(128).optional().describe('Event type.'),
  reason: z.string().min(1).max(256).optional().describe('Exactly this reason, as in `NO_FACE`.'),
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
