import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import * as common from '../../shared/api/gallery.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'list-api-keys',
    summary: 'List service keys',
    description:
      'The response has the oldest keys first, in pages. Revoked and expired keys are in the list too. The list never has the secret part of a key.',
    tag: 'keys',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/api_keys', scope: 'users:manage' },
    query: z.object({ limit: common.pageLimit(50, 500), page_token: common.pageToken }),
    output: z.object({ api_keys: z.array(wire.apiKey), next_page_token: z.string().nullable(), has_more: z.boolean() }),
    errors: ['PAGE_TOKEN_INVALID'],
    examples: { response: { api_keys: [examples.apiKey], next_page_token: null, has_more: false } },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ query, tenant, signal }, { accounts }) => {
    const page = await accounts.listApiKeys(tenant, { limit: query.limit, after: query.page_token, signal });
    return {
      data: { api_keys: page.items.map(wire.presentApiKey), next_page_token: page.next, has_more: page.next !== null },
    };
  },
);
