import * as z from 'zod';
import * as examples from '../../shared/api/gallery.examples.ts';
import * as wire from '../../shared/api/gallery.ts';
import * as jobs from '../../shared/api/jobs.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { enrolmentExample, enrolmentOutput } from '../../shared/gallery/enrol-request.ts';
import { jobStatuses } from '../../shared/ports/records/jobs.ts';

const count = z.number().int();

export default defineFunction(
  {
    name: 'get-enrollment-batch',
    summary: 'Show the state of a batch',
    description:
      'The response has the counts of all items, and the items in their order, in pages. The platform keeps an item for one week after its job has finished.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/faces/enroll_batch/{batch_id}', scope: 'faces:write' },
    params: z.object({ batch_id: z.guid('must be a UUID') }),
    query: z.object({
      status: z
        .enum(jobStatuses)
        .optional()
        .describe('Return only items with this status. The counts include all items.'),
      limit: wire.pageLimit(100, 500),
      page_token: wire.pageToken,
    }),
    output: z.object({
      batch_id: z.string(),
      status: z.enum(['processing', 'finished']),
      total: count,
      counts: z.object({ queued: count, processing: count, completed: count, failed: count, cancelled: count }),
      items: z.array(jobs.jobSummary.extend({ result: enrolmentOutput.nullable() })),
      next_page_token: z.string().nullable(),
      has_more: z.boolean(),
    }),
    errors: ['BATCH_NOT_FOUND', 'PAGE_TOKEN_INVALID'],
    examples: {
      response: {
        batch_id: examples.jobId,
        status: 'finished',
        total: 1,
        counts: { queued: 0, processing: 0, completed: 1, failed: 0, cancelled: 0 },
        items: [{ ...jobs.exampleJob, batch_id: examples.jobId, item: 0, result: enrolmentExample }],
        next_page_token: null,
        has_more: false,
      },
    },
    uses: ['records'],
    ...sizes.record,
  },
  async ({ params, query, tenant, signal }, { records }) => {
    const batchId = params.batch_id.toLowerCase();
    const { status, limit, page_token: after } = query;
    const counts = await records.countBatch(tenant, batchId, { signal });
    const total = Object.values(counts).reduce((sum, each) => sum + each, 0);
    if (total === 0) throw new AppError('BATCH_NOT_FOUND');
    const page = await records.listBatch(tenant, batchId, { status }, { limit, after, signal });
    return {
      data: {
        batch_id: batchId,
        status: counts.queued + counts.processing > 0 ? ('processing' as const) : ('finished' as const),
        total,
        counts,
        items: page.items.map((job) => ({
          ...jobs.presentJob(job),
          // The platform wrote this value in this form.
          result: job.result as z.input<typeof enrolmentOutput> | null,
        })),
        next_page_token: page.next,
        has_more: page.next !== null,
      },
    };
  },
);
