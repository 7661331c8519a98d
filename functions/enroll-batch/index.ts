import * as z from 'zod';
import * as examples from '../../shared/api/gallery.examples.ts';
import { priorities } from '../../shared/domain/priority.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { acceptBatch, batchFields } from '../../shared/gallery/enrolment-batches.ts';

export default defineFunction(
  {
    name: 'enroll-batch',
    summary: 'Enrol many photos in the background',
    description:
      'A batch has up to 1,000 photos that the platform can already read: images of the gallery, or files in the bucket or the watched folder. Each item becomes one enrolment job. You can follow, cancel and list it like any other job; `GET faces/enroll_batch/{batch_id}` shows all jobs of the batch. If the file of an item is missing or has changed when its job starts, the job is cancelled with the error `UPLOAD_NOT_FOUND`. If any item is wrong, the platform accepts no item, and the response names the wrong ones. If you choose the `batch_id`, you can send the same request again: the platform adds the missing jobs and creates no job twice.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/faces/enroll_batch', scope: 'faces:write' },
    body: z.object({
      batch_id: z.guid('must be a UUID').optional().describe('Id of the batch. When absent, the platform creates one.'),
      priority: z
        .enum(priorities)
        .default('low')
        .describe('Only an admin may use `critical`, unless the operator of the platform allows it to everyone.'),
      ...batchFields,
    }),
    maxBodyBytes: 4 * 1024 * 1024,
    output: z.object({
      batch_id: z.string(),
      items: z.number().int(),
      status: z.literal('processing'),
      estimated_completion: z.string().describe('Estimated from the length of the queue and the speed so far.'),
    }),
    status: 202,
    errors: ['UPLOAD_NOT_FOUND', 'PERSON_ERASED', 'STRATEGY_UNAVAILABLE'],
    examples: {
      request: {
        priority: 'low',
        items: [
          { image_id: examples.imageId, external_id: 'ada' },
          { object_key: 'uploads/default/grace/1.jpg', external_id: 'grace' },
        ],
      },
      response: {
        batch_id: examples.jobId,
        items: 2,
        status: 'processing',
        estimated_completion: '< 30 seconds',
      },
    },
    uses: ['records', 'extractor', 'uploads'],
    emits: ['freeface.enrollment.requested.v1'],
    ...sizes.erasure,
  },
  async ({ body, ...call }, ports) => {
    const { batch_id = call.newId(), ...given } = body;
    const batchId = batch_id.toLowerCase();
    const { jobs, estimate } = await acceptBatch({ ...given, batchId }, call, ports);
    return {
      data: {
        batch_id: batchId,
        items: jobs.length,
        status: 'processing' as const,
        estimated_completion: estimate,
      },
    };
  },
);
