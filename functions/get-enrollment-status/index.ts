import * as z from 'zod';
import * as examples from '../../shared/api/gallery.examples.ts';
import * as wire from '../../shared/api/gallery.ts';
import { priorities } from '../../shared/domain/priority.ts';
import { jobMessageIdOf } from '../../shared/domain/webhooks.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { enrolmentExample, enrolmentOutput } from '../../shared/gallery/enrol-request.ts';
import { type Job, jobStatuses } from '../../shared/ports/records/jobs.ts';
import { type MessageStatus, messageStatuses } from '../../shared/ports/webhooks.ts';

const output = z.object({
  job_id: z.string(),
  face_id: z.string().describe('Id that the main face of the photo gets.'),
  status: z.enum(jobStatuses),
  priority: z.enum(priorities),
  attempts: z.number().int().describe('Times it was begun.'),
  created_at: z.string(),
  started_at: z.string().nullable().describe('When the latest attempt began.'),
  finished_at: z.string().nullable(),
  timings: z.object({
    waiting_ms: z.number().int().nullable().describe('From the request to the beginning of the latest attempt.'),
    processing_ms: z.number().int().nullable().describe('From there to the end.'),
  }),
  result: enrolmentOutput.nullable().describe('What faces/enroll would have answered; null until it is completed.'),
  error: z
    .object({ code: z.string(), message: z.string(), details: z.unknown().optional() })
    .nullable()
    .describe(
      'As faces/enroll would have answered; null unless it failed, or was cancelled because its file was gone or replaced.',
    ),
  webhook: z
    .object({ url: z.string(), status: z.enum(messageStatuses) })
    .nullable()
    .describe(
      'The webhook_url of the request, and whether it was told of the end; dead: it took no attempt. `GET webhooks/jobs/deliveries` lists the attempts.',
    ),
});

export default defineFunction(
  {
    name: 'get-enrollment-status',
    summary: 'Say what became of an accepted enrolment',
    description:
      'By the id of the job, or of its face: then of the newest job for it. A finished job is kept for a week.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/faces/enroll/status/{id}', scope: 'faces:write' },
    params: z.object({ id: z.guid('must be a UUID').describe('job_id or face_id.') }),
    output,
    errors: ['JOB_NOT_FOUND'],
    examples: {
      response: {
        job_id: examples.jobId,
        face_id: examples.faceId,
        status: 'completed',
        priority: 'high',
        attempts: 1,
        created_at: '2026-05-01T10:00:00.000Z',
        started_at: '2026-05-01T10:00:00.020Z',
        finished_at: '2026-05-01T10:00:00.420Z',
        timings: { waiting_ms: 20, processing_ms: 400 },
        result: enrolmentExample,
        error: null,
        webhook: null,
      },
    },
    uses: ['records', 'webhooks'],
    ...sizes.record,
  },
  async ({ params, tenant, signal }, { records, webhooks }) => {
    const job = await records.getJob(tenant, params.id.toLowerCase(), { signal });
    if (job === null) throw new AppError('JOB_NOT_FOUND');
    const told =
      job.webhookUrl === null ? null : await webhooks.getMessage(tenant, jobMessageIdOf(tenant, job.jobId), { signal });
    return { data: present(job, told?.status ?? 'pending') };
  },
);

const present = (job: Job, told: MessageStatus): z.input<typeof output> => ({
  job_id: job.jobId,
  face_id: job.faceId,
  status: job.status,
  priority: job.priority,
  attempts: job.attempts,
  created_at: wire.presentTime(job.createdAt),
  started_at: wire.presentTimeOrNull(job.startedAt),
  finished_at: wire.presentTimeOrNull(job.finishedAt),
  timings: {
    waiting_ms: job.startedAt === null ? null : job.startedAt - job.createdAt,
    processing_ms: job.startedAt === null || job.finishedAt === null ? null : job.finishedAt - job.startedAt,
  },
  // Written by this platform in these forms.
  result: job.result as z.input<typeof enrolmentOutput> | null,
  error: job.error as { code: string; message: string } | null,
  webhook: job.webhookUrl === null ? null : { url: job.webhookUrl, status: told },
});
