import * as z from 'zod';
import * as jobs from '../../shared/api/jobs.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { cancelQueued } from '../../shared/gallery/cancel-job.ts';

export default defineFunction(
  {
    name: 'cancel-enrollment',
    summary: 'Cancel an accepted enrolment',
    description:
      'While it is queued. One that has begun, or is over, is answered 409; one that is cancelled already, 200. Its photo is deleted at once.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'DELETE', path: '/api/v1/faces/enroll/status/{id}', scope: 'faces:write' },
    params: z.object({ id: z.guid('must be a UUID').describe('job_id or face_id.') }),
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
