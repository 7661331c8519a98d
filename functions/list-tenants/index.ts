import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import * as common from '../../shared/api/gallery.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'list-tenants',
    summary: 'List tenants',
    description: 'The response has the oldest tenants first, in pages.',
    tag: 'tenants',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/tenants', scope: 'tenants:manage' },
    query: z.object({ limit: common.pageLimit(50, 500), page_token: common.pageToken }),
    output: z.object({ tenants: z.array(wire.tenant), next_page_token: z.string().nullable(), has_more: z.boolean() }),
    errors: ['PAGE_TOKEN_INVALID'],
    examples: { response: { tenants: [examples.tenant], next_page_token: null, has_more: false } },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ query, signal }, { accounts }) => {
    const page = await accounts.listTenants({ limit: query.limit, after: query.page_token, signal });
    return {
      data: { tenants: page.items.map(wire.presentTenant), next_page_token: page.next, has_more: page.next !== null },
    };
  },
);
