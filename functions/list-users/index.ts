import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import * as common from '../../shared/api/gallery.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'list-users',
    summary: 'List users',
    description: 'The response has the oldest users first, in pages.',
    tag: 'users',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/users', scope: 'users:manage' },
    query: z.object({ limit: common.pageLimit(50, 500), page_token: common.pageToken }),
    output: z.object({ users: z.array(wire.user), next_page_token: z.string().nullable(), has_more: z.boolean() }),
    errors: ['PAGE_TOKEN_INVALID'],
    examples: { response: { users: [examples.user], next_page_token: null, has_more: false } },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ query, tenant, signal }, { accounts }) => {
    const page = await accounts.listUsers(tenant, { limit: query.limit, after: query.page_token, signal });
    return {
      data: { users: page.items.map(wire.presentUser), next_page_token: page.next, has_more: page.next !== null },
    };
  },
);
