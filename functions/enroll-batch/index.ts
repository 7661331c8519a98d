import * as z from 'zod';
import * as examples from '../../shared/api/gallery.examples.ts';
import { priorities } from '../../shared/domain/priority.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { acceptBatch, batchFields } from '../../shared/gallery/enrolment-batches.ts';

export default defineFunction(
  {
    name: 'enroll-batch',
    summary: 'Accept many photos and enrol their faces later',
    description:
      'Up to 1,000 photos that are there already: images of the gallery, or files of the bucket or the watched folder. Each item is a job of its own, which can be followed, cancelled and listed as any other; `GET faces/enroll_batch/{batch_id}` tells of all. An item whose file is gone or another one when its turn comes is cancelled, with `UPLOAD_NOT_FOUND` as its error. Nothing is accepted when an item is wrong; the answer names each that is. With a `batch_id` of your own, the same call again adds what is missing and doubles nothing.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/faces/enroll_batch', scope: 'faces:write' },
    body: z.object({
      batch_id: z.guid('must be a UUID').optional().describe('Id of the batch; a new one when absent.'),
      priority: z.enum(priorities).default('low'),
      ...batchFields,
    }),
    maxBodyBytes: 4 * 1024 * 1024,
    output: z.object({
      batch_id: z.string(),
      items: z.number().int(),
      status: z.literal('processing'),
      estimated_completion: z.string().describe('From the length of the queue and the pace so far.'),
    }),
    status: 202,
    errors: ['UPLOAD_NOT_FOUND', 'STRATEGY_UNAVAILABLE'],
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
