import * as z from 'zod';
import { notStored } from '../../shared/api/accounts.ts';
import * as examples from '../../shared/api/webhooks.examples.ts';
import * as wire from '../../shared/api/webhooks.ts';
import { jobWebhookId, webhooks as tuning } from '../../shared/domain/webhooks.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { jobWebhook, newSecret } from '../../shared/webhooks/dispatch.ts';

const hour = 60 * 60_000;

export default defineFunction(
  {
    name: 'rotate-webhook-secret',
    summary: 'Create a new secret for a webhook',
    description:
      'For some time, messages are signed with the new secret and with the previous ones, so that you have time to update the receiver. Only this response shows the new secret. With the `webhook_id` `jobs`, you get the secret that signs the messages to the `webhook_url` of jobs.',
    tag: 'webhooks',
    trigger: {
      kind: 'http',
      method: 'POST',
      path: '/api/v1/webhooks/{webhook_id}/rotate_secret',
      scope: 'webhooks:manage',
    },
    params: z.object({ webhook_id: wire.webhookId }),
    body: z.object({
      previous_valid_hours: z
        .number()
        .min(0)
        .max(168)
        .default(tuning.previousSecretMs / hour)
        .describe('Hours for which the previous secrets still sign messages. 0 ends them now.'),
    }),
    output: wire.webhook.extend({ secret: wire.secret }),
    secret: true,
    errors: ['WEBHOOK_NOT_FOUND'],
    examples: {
      request: { previous_valid_hours: 24 },
      response: {
        ...examples.webhook,
        secrets: [
          { created_at: '2026-06-01T10:00:00.000Z', expires_at: null },
          { created_at: '2026-05-01T10:00:00.000Z', expires_at: '2026-06-02T10:00:00.000Z' },
        ],
        version: 2,
        secret: examples.secret,
      },
    },
    uses: ['webhooks'],
    ...sizes.record,
  },
  async ({ params, body, ...call }, { webhooks }) => {
    const { tenant, clock, signal } = call;
    if (params.webhook_id === jobWebhookId) await jobWebhook(call, { webhooks });
    const secret = newSecret();
    const webhook = await webhooks.rotateSecret(tenant, params.webhook_id, secret, {
      previousUntil: clock.now() + body.previous_valid_hours * hour,
      most: tuning.mostSecrets,
      signal,
    });
    return { data: { ...wire.presentWebhook(webhook, clock.now()), secret }, headers: notStored };
  },
);
