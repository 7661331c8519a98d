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
  face_id: z.string().describe('The id that the main face of the photo gets.'),
  status: z.enum(jobStatuses),
  priority: z.enum(priorities),
  attempts: z.number().int().describe('Number of attempts that have started.'),
  created_at: z.string(),
  started_at: z.string().nullable().describe('Start of the latest attempt.'),
  finished_at: z.string().nullable(),
  timings: z.object({
    waiting_ms: z.number().int().nullable().describe('From the request to the start of the latest attempt.'),
    processing_ms: z.number().int().nullable().describe('From the start of the latest attempt to the end of the job.'),
  }),
  result: enrolmentOutput
    .nullable()
    .describe('The result that `faces/enroll` would have returned. null until the job is completed.'),
  error: z
    .object({ code: z.string(), message: z.string(), details: z.unknown().optional() })
    .nullable()
    .describe(
      'The error that `faces/enroll` would have returned. null unless the job failed, or was cancelled because its file was missing or replaced.',
    ),
  webhook: z
    .object({ url: z.string(), status: z.enum(messageStatuses) })
    .nullable()
    .describe(
      'The `webhook_url` of the request, and the status of the message about the end of the job. dead: the platform no longer retries the message. `GET webhooks/jobs/deliveries` lists the attempts.',
    ),
});

export default defineFunction(
  {
    name: 'get-enrollment-status',
    summary: 'Show the state of an enrolment job',
    description:
      'Use the id of the job or of its face. For a face, the response shows its newest job. The platform keeps a finished job for one week.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/faces/enroll/status/{id}', scope: 'faces:write' },
    params: z.object({ id: z.guid('must be a UUID').describe('The `job_id` or the `face_id` of the job.') }),
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
    const message =
      job.webhookUrl === null ? null : await webhooks.getMessage(tenant, jobMessageIdOf(tenant, job.jobId), { signal });
    return { data: present(job, message?.status ?? 'pending') };
  },
);

const present = (job: Job, messageStatus: MessageStatus): z.input<typeof output> => ({
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
  // The platform wrote these values in these forms.
  result: job.result as z.input<typeof enrolmentOutput> | null,
  error: job.error as { code: string; message: string } | null,
  webhook: job.webhookUrl === null ? null : { url: job.webhookUrl, status: messageStatus },
});
