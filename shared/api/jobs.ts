import * as z from 'zod';
import { priorities } from '../domain/priority.ts';
import { type Job, jobStatuses } from '../ports/records/jobs.ts';
import * as examples from './gallery.examples.ts';
import { presentTime, presentTimeOrNull } from './gallery.ts';

/** What a list says of a job; its status has more. */
export const jobSummary = z.object({
  job_id: z.string(),
  face_id: z.string().describe('Id that the main face of the photo gets.'),
  status: z.enum(jobStatuses),
  priority: z.enum(priorities),
  person_id: z.string().nullable(),
  external_id: z.string().nullable(),
  batch_id: z.string().nullable(),
  item: z.number().int().nullable().describe('Place in the batch, from 0.'),
  attempts: z.number().int(),
  created_at: z.string(),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});

export const exampleJob = {
  job_id: examples.jobId,
  face_id: examples.faceId,
  status: 'completed',
  priority: 'high',
  person_id: examples.personId,
  external_id: 'ada',
  batch_id: null,
  item: null,
  attempts: 1,
  created_at: '2026-05-01T10:00:00.000Z',
  started_at: '2026-05-01T10:00:00.020Z',
  finished_at: '2026-05-01T10:00:00.420Z',
  error: null,
};

export const presentJob = (job: Job): z.input<typeof jobSummary> => ({
  job_id: job.jobId,
  face_id: job.faceId,
  status: job.status,
  priority: job.priority,
  person_id: job.personId,
  external_id: job.externalId,
  batch_id: job.batchId,
  item: job.item,
  attempts: job.attempts,
  created_at: presentTime(job.createdAt),
  started_at: presentTimeOrNull(job.startedAt),
  finished_at: presentTimeOrNull(job.finishedAt),
  // Written by this platform in this form.
  error: job.error === null ? null : { code: String(job.error.code), message: String(job.error.message) },
});
