import * as z from 'zod';
import * as letters from '../../shared/api/dead-letters.ts';
import * as wire from '../../shared/api/gallery.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'list-dead-letters',
    summary: 'List dead letters',
    description:
      'A dead letter is an event that the platform could not process and no longer retries. This happens at once if the event can never succeed, and after the last attempt if the error is still there. The response has the newest dead letters first, in pages. The platform keeps them for 30 days. An enrolment can be replayed for one week.',
    tag: 'events',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/events/dead_letters', scope: 'events:manage' },
    query: z.object({ ...letters.filterFields, limit: wire.pageLimit(50, 500), page_token: wire.pageToken }),
    output: z.object({
      dead_letters: z.array(letters.deadLetter),
      next_page_token: z.string().nullable(),
      has_more: z.boolean(),
    }),
    errors: ['PAGE_TOKEN_INVALID'],
    examples: { response: { dead_letters: [letters.exampleLetter], next_page_token: null, has_more: false } },
    uses: ['records'],
    ...sizes.record,
  },
  async ({ query: { limit, page_token: after, ...filter }, tenant, signal }, { records }) => {
    const page = await records.listDeadLetters(tenant, filter, { limit, after, signal });
    return {
      data: {
        dead_letters: page.items.map(letters.presentDeadLetter),
        next_page_token: page.next,
        has_more: page.next !== null,
      },
    };
  },
);
