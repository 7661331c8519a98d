import * as z from 'zod';
import * as common from '../../shared/api/gallery.ts';
import * as examples from '../../shared/api/webhooks.examples.ts';
import * as wire from '../../shared/api/webhooks.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'list-webhook-deliveries',
    summary: 'List the deliveries of a webhook',
    description:
      'A delivery is one message with all attempts to send it. The response has the newest deliveries first, in pages. The platform keeps them for 30 days. Use `status=dead` for the messages that the platform no longer retries.',
    tag: 'webhooks',
    trigger: {
      kind: 'http',
      method: 'GET',
      path: '/api/v1/webhooks/{webhook_id}/deliveries',
      scope: 'webhooks:manage',
    },
    params: z.object({ webhook_id: wire.webhookId }),
    query: z.object({
      status: wire.status.optional(),
      limit: common.pageLimit(50, 200),
      page_token: common.pageToken,
    }),
    output: z.object({
      deliveries: z.array(wire.delivery),
      next_page_token: z.string().nullable(),
      has_more: z.boolean(),
    }),
    errors: ['WEBHOOK_NOT_FOUND', 'PAGE_TOKEN_INVALID'],
    examples: { response: { deliveries: [examples.delivery], next_page_token: null, has_more: false } },
    uses: ['webhooks'],
    ...sizes.record,
  },
  async ({ params, query, tenant, signal }, { webhooks }) => {
    const { status, limit, page_token: after } = query;
    const page = await webhooks.listMessages(tenant, params.webhook_id, { status, limit, after, signal });
    return {
      data: {
        deliveries: page.items.map(wire.presentDelivery),
        next_page_token: page.next,
        has_more: page.next !== null,
      },
    };
  },
);
