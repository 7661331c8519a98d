import * as z from 'zod';
import * as examples from '../../shared/api/gallery.examples.ts';
import * as wire from '../../shared/api/gallery.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import {
  appearance,
  presentAppearance,
  requirePerson,
  timeBounds,
  timeFields,
} from '../../shared/gallery/appearances.ts';

export default defineFunction(
  {
    name: 'get-timeline',
    summary: 'Show when a person was seen',
    description:
      'The response lists the appearances of a person in order of time, in pages. `at` is the time when the photo was taken. If neither the enrolment request nor the photo had this time, `at` is the time of the enrolment.',
    tag: 'persons',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/persons/{person_id}/timeline', scope: 'persons:read' },
    params: z.object({ person_id: wire.personId }),
    query: z.object({
      ...timeFields,
      order: z.enum(['asc', 'desc']).default('asc').describe('asc: oldest first; desc: newest first.'),
      limit: wire.pageLimit(50, 500),
      page_token: wire.pageToken,
    }),
    output: z.object({
      person_id: z.string(),
      appearances: z.array(appearance),
      next_page_token: z.string().nullable(),
      has_more: z.boolean(),
    }),
    errors: ['PERSON_NOT_FOUND', 'PAGE_TOKEN_INVALID'],
    examples: {
      response: {
        person_id: examples.personId,
        appearances: [examples.appearance],
        next_page_token: null,
        has_more: false,
      },
    },
    uses: ['records'],
    ...sizes.record,
  },
  async ({ params, query, ...call }, { records }) => {
    const filter = timeBounds(query);
    await requirePerson(params.person_id, call, { records });
    const page = await records.listAppearances(call.tenant, params.person_id, filter, {
      limit: query.limit,
      after: query.page_token,
      order: query.order === 'asc' ? 'oldest-first' : 'newest-first',
      signal: call.signal,
    });
    return {
      data: {
        person_id: params.person_id,
        appearances: page.items.map(presentAppearance),
        next_page_token: page.next,
        has_more: page.next !== null,
      },
    };
  },
);
