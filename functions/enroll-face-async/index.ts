import * as z from 'zod';
import * as examples from '../../shared/api/gallery.examples.ts';
import { priorities } from '../../shared/domain/priority.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { enrolmentFields } from '../../shared/gallery/enrol-request.ts';
import { acceptEnrolment } from '../../shared/gallery/enrolment-jobs.ts';
import { requireTarget } from '../../shared/webhooks/target.ts';

const webhookUrl = z
  .string()
  .min(1)
  .max(2048, 'must have at most 2048 characters')
  .describe(
    'When the job ends, the platform sends `job.completed` or `job.failed` to this URL. The URL follows the same rules as the URL of a webhook. The message is signed with the secret of the webhook `jobs`. To get this secret, call `POST /api/v1/webhooks/jobs/rotate_secret`.',
  );

export default defineFunction(
  {
    name: 'enroll-face-async',
    summary: 'Enrol a photo in the background',
    description:
      'Works like `faces/enroll`, but responds as soon as the photo is stored. The response has the id of the job, and the id that the main face of the photo gets. `GET faces/enroll/status/{id}` shows the outcome and accepts either id.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/faces/enroll_async', scope: 'faces:write' },
    body: enrolmentFields.extend({
      priority: z
        .enum(priorities)
        .default('normal')
        .describe(
          'Each priority has its own queue, so urgent jobs do not wait for the others. Only an admin may use `critical`, unless the operator of the platform allows it to everyone. A tenant can have 10,000 waiting jobs in each queue.',
        ),
      webhook_url: webhookUrl.optional(),
    }),
    image: 'required',
    output: z.object({
      face_id: z.string(),
      job_id: z.string(),
      status: z.literal('processing'),
      estimated_completion: z.string().describe('Estimated from the length of the queue and the speed so far.'),
    }),
    status: 202,
    errors: ['STRATEGY_UNAVAILABLE', 'CONSENT_REQUIRED', 'QUOTA_EXCEEDED', 'EXTERNAL_ID_TAKEN', 'PERSON_ERASED'],
    examples: {
      request: { person_id: 'employee_123', priority: 'high', processing_options: { quality_threshold: 0.8 } },
      response: {
        face_id: examples.faceId,
        job_id: examples.jobId,
        status: 'processing',
        estimated_completion: '< 30 seconds',
      },
    },
    uses: ['records', 'images', 'extractor', 'accounts'],
    emits: ['freeface.enrollment.requested.v1'],
    ...sizes.image,
  },
  async ({ body, image, ...call }, ports) => {
    const { priority, webhook_url, ...fields } = body;
    if (webhook_url !== undefined) requireTarget(webhook_url, 'webhook_url', call.config);
    const { job, estimate } = await acceptEnrolment(
      fields,
      image,
      { priority, webhookUrl: webhook_url ?? null },
      call,
      ports,
    );
    return {
      data: {
        face_id: job.faceId,
        job_id: job.jobId,
        status: 'processing' as const,
        estimated_completion: estimate,
      },
    };
  },
);
