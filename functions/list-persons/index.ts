import * as z from 'zod';
import * as wire from '../../shared/api/gallery.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'list-persons',
    summary: 'List persons',
    description: 'The response has the oldest persons first, in pages.',
    tag: 'persons',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/persons', scope: 'persons:read' },
    query: z.object({ limit: wire.pageLimit(50, 500), page_token: wire.pageToken }),
    output: wire.personPage,
    errors: ['PAGE_TOKEN_INVALID'],
    uses: ['records'],
    ...sizes.record,
  },
  async ({ query, tenant, signal }, { records }) => {
    const page = await records.listPersons(tenant, { limit: query.limit, after: query.page_token, signal });
    return {
      data: { persons: page.items.map(wire.presentPerson), next_page_token: page.next, has_more: page.next !== null },
    };
  },
);
