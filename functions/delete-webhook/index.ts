import * as z from 'zod';
import * as wire from '../../shared/api/webhooks.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'delete-webhook',
    summary: 'Delete a webhook',
    description: 'The platform also deletes its secrets, its delivery log and its pending messages.',
    tag: 'webhooks',
    trigger: { kind: 'http', method: 'DELETE', path: '/api/v1/webhooks/{webhook_id}', scope: 'webhooks:manage' },
    params: z.object({ webhook_id: wire.webhookId }),
    output: z.object({ webhook_id: z.string() }),
    errors: ['WEBHOOK_NOT_FOUND'],
    examples: { response: { webhook_id: '01a20de0-12c3-740f-a849-0c6622554e6a' } },
    uses: ['webhooks'],
    ...sizes.record,
  },
  async ({ params, tenant, signal }, { webhooks }) => {
    if (!(await webhooks.deleteWebhook(tenant, params.webhook_id, { signal }))) throw new AppError('WEBHOOK_NOT_FOUND');
    return { data: { webhook_id: params.webhook_id } };
  },
);
