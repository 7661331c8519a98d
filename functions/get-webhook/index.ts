import * as z from 'zod';
import { versionTag } from '../../shared/api/if-match.ts';
import * as examples from '../../shared/api/webhooks.examples.ts';
import * as wire from '../../shared/api/webhooks.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'get-webhook',
    summary: 'Show a webhook',
    tag: 'webhooks',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/webhooks/{webhook_id}', scope: 'webhooks:manage' },
    params: z.object({ webhook_id: wire.webhookId }),
    output: wire.webhook,
    errors: ['WEBHOOK_NOT_FOUND'],
    examples: { response: examples.webhook },
    uses: ['webhooks'],
    ...sizes.record,
  },
  async ({ params, tenant, clock, signal }, { webhooks }) => {
    const webhook = await webhooks.getWebhook(tenant, params.webhook_id, { signal });
    if (webhook === null) throw new AppError('WEBHOOK_NOT_FOUND');
    return { data: wire.presentWebhook(webhook, clock.now()), headers: { etag: versionTag(webhook) } };
  },
);
