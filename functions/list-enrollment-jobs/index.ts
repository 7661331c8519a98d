import * as z from 'zod';
import * as wire from '../../shared/api/gallery.ts';
import * as jobs from '../../shared/api/jobs.ts';
import { priorities } from '../../shared/domain/priority.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { jobStatuses } from '../../shared/ports/records/jobs.ts';

export default defineFunction(
  {
    name: 'list-enrollment-jobs',
    summary: 'List enrolment jobs',
    description: 'The response has the newest jobs first, in pages. The platform keeps a finished job for one week.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/faces/enroll/jobs', scope: 'faces:write' },
    query: z.object({
      status: z.enum(jobStatuses).optional(),
      priority: z.enum(priorities).optional(),
      limit: wire.pageLimit(50, 500),
      page_token: wire.pageToken,
    }),
    output: z.object({
      jobs: z.array(jobs.jobSummary),
      next_page_token: z.string().nullable(),
      has_more: z.boolean(),
    }),
    errors: ['PAGE_TOKEN_INVALID'],
    examples: { response: { jobs: [jobs.exampleJob], next_page_token: null, has_more: false } },
    uses: ['records'],
    ...sizes.record,
  },
  async ({ query: { limit, page_token: after, ...filter }, tenant, signal }, { records }) => {
    const page = await records.listJobs(tenant, filter, { limit, after, signal });
    return {
      data: { jobs: page.items.map(jobs.presentJob), next_page_token: page.next, has_more: page.next !== null },
    };
  },
);
