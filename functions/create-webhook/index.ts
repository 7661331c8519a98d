import * as z from 'zod';
import { notStored } from '../../shared/api/accounts.ts';
import * as examples from '../../shared/api/webhooks.examples.ts';
import * as wire from '../../shared/api/webhooks.ts';
import { webhooks as tuning, webhookTypes } from '../../shared/domain/webhooks.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { actorOf, callerOf } from '../../shared/identity/caller.ts';
import { newSecret } from '../../shared/webhooks/dispatch.ts';
import { requireTarget } from '../../shared/webhooks/target.ts';

export default defineFunction(
  {
    name: 'create-webhook',
    summary: 'Create a webhook',
    description: [
      'From now on, the platform sends a POST request to the URL for each event of the selected types. The body is `{type, timestamp, data}`, with ids in `data`. The request is signed as Standard Webhooks defines (headers `webhook-id`, `webhook-timestamp`, `webhook-signature`). Only this response shows the secret.',
      'The receiver must answer with a 2xx status within 15 seconds. Otherwise the platform retries 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 24 h after the first attempt, and then stops: the message gets the status `dead`. The response status 410 disables the webhook. The platform does not follow redirects. A message may arrive twice, with the same `webhook-id`, and messages may arrive in another order.',
    ].join('\n\n'),
    tag: 'webhooks',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/webhooks', scope: 'webhooks:manage' },
    body: z.object({
      url: wire.url,
      description: wire.description.optional(),
      event_types: wire.types.optional(),
    }),
    output: wire.webhook.extend({ secret: wire.secret }),
    secret: true,
    status: 201,
    errors: ['QUOTA_EXCEEDED'],
    examples: {
      request: { url: 'https://erp.example/hooks/faces', description: 'Time clock' },
      response: { ...examples.webhook, secret: examples.secret },
    },
    uses: ['webhooks'],
    ...sizes.record,
  },
  async ({ body, principal, tenant, clock, signal, config, newId }, { webhooks }) => {
    requireTarget(body.url, 'url', config);
    const secret = newSecret();
    const webhook = await webhooks.createWebhook(
      tenant,
      {
        webhookId: newId(),
        url: body.url,
        description: body.description ?? '',
        types: [...new Set(body.event_types ?? webhookTypes)],
        createdBy: actorOf(callerOf(principal)),
        secret,
      },
      { most: tuning.mostWebhooks, signal },
    );
    return {
      data: { ...wire.presentWebhook(webhook, clock.now()), secret },
      headers: { ...notStored, location: `/api/v1/webhooks/${webhook.webhookId}` },
    };
  },
);
