import * as z from 'zod';
import * as common from '../../shared/api/gallery.ts';
import * as examples from '../../shared/api/webhooks.examples.ts';
import * as wire from '../../shared/api/webhooks.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'list-webhooks',
    summary: 'List webhooks',
    description: 'The response has the oldest webhooks first, in pages.',
    tag: 'webhooks',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/webhooks', scope: 'webhooks:manage' },
    query: z.object({ limit: common.pageLimit(50, 500), page_token: common.pageToken }),
    output: z.object({
      webhooks: z.array(wire.webhook),
      next_page_token: z.string().nullable(),
      has_more: z.boolean(),
    }),
    errors: ['PAGE_TOKEN_INVALID'],
    examples: { response: { webhooks: [examples.webhook], next_page_token: null, has_more: false } },
    uses: ['webhooks'],
    ...sizes.record,
  },
  async ({ query, tenant, clock, signal }, { webhooks }) => {
    const page = await webhooks.listWebhooks(tenant, { limit: query.limit, after: query.page_token, signal });
    return {
      data: {
        webhooks: page.items.map((each) => wire.presentWebhook(each, clock.now())),
        next_page_token: page.next,
        has_more: page.next !== null,
      },
    };
  },
);
