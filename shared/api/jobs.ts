import * as z from 'zod';
import { priorities } from '../domain/priority.ts';
import { type Job, jobStatuses } from '../ports/records/jobs.ts';
import * as examples from './gallery.examples.ts';
import { presentTime, presentTimeOrNull } from './gallery.ts';

/** A job in a list. The status of a single job has more fields. */
export const jobSummary = z.object({
  job_id: z.string(),
  face_id: z.string().describe('Id that the main face of the photo receives.'),
  status: z.enum(jobStatuses),
  priority: z.enum(priorities),
  person_id: z.string().nullable().describe('Person that the job names; after its completion, the person of the face.'),
  external_id: z.string().nullable(),
  batch_id: z.string().nullable().describe('null: the job belongs to no batch.'),
  item: z.number().int().nullable().describe('Position in the batch, from 0; null: the job belongs to no batch.'),
  attempts: z.number().int().describe('Number of started attempts.'),
  created_at: z.string(),
  started_at: z.string().nullable().describe('Start of the latest attempt; null: not started.'),
  finished_at: z.string().nullable().describe('null: the job has not ended.'),
  error: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .describe('Reason for the failure or the cancellation; null: no error.'),
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
  // The platform itself stored the error in this form.
  error: job.error === null ? null : { code: String(job.error.code), message: String(job.error.message) },
});
