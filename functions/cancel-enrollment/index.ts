import * as z from 'zod';
import * as jobs from '../../shared/api/jobs.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { cancelQueued } from '../../shared/gallery/cancel-job.ts';

export default defineFunction(
  {
    name: 'cancel-enrollment',
    summary: 'Cancel an enrolment job',
    description:
      'Only a queued job can be cancelled. The platform deletes the photo of the job at once. The response is 409 if the job has started or finished, and 200 if it is already cancelled.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'DELETE', path: '/api/v1/faces/enroll/status/{id}', scope: 'faces:write' },
    params: z.object({ id: z.guid('must be a UUID').describe('The `job_id` or the `face_id` of the job.') }),
    output: jobs.jobSummary,
    errors: ['JOB_NOT_FOUND', 'JOB_NOT_CANCELLABLE'],
    examples: {
      response: { ...jobs.exampleJob, status: 'cancelled', attempts: 0, started_at: null },
    },
    uses: ['records', 'images'],
    emits: ['freeface.enrollment.cancelled.v1'],
    ...sizes.record,
  },
  async ({ params, ...call }, ports) => {
    const found = await ports.records.getJob(call.tenant, params.id.toLowerCase(), { signal: call.signal });
    const job = found === null ? null : await cancelQueued(found, call, ports);
    if (job === null) throw new AppError('JOB_NOT_FOUND');
    if (job.status !== 'cancelled') {
      throw new AppError('JOB_NOT_CANCELLABLE', {
        message: `The job is ${job.status} and cannot be cancelled.`,
        details: { status: job.status },
      });
    }
    return { data: jobs.presentJob(job) };
  },
);
