import * as z from 'zod';
import * as examples from '../../shared/api/webhooks.examples.ts';
import * as wire from '../../shared/api/webhooks.ts';
import { webhooks as tuning } from '../../shared/domain/webhooks.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { callFor } from '../../shared/webhooks/call-for.ts';

export default defineFunction(
  {
    name: 'redeliver-webhook',
    summary: 'Send a webhook message again',
    description:
      'You can send a message of any status again. It keeps its `webhook-id` and the list of its earlier attempts. If the receiver has failed several times in a row, the platform waits up to ten minutes before it sends the message.',
    tag: 'webhooks',
    trigger: {
      kind: 'http',
      method: 'POST',
      path: '/api/v1/webhooks/{webhook_id}/deliveries/{message_id}/redeliver',
      scope: 'webhooks:manage',
    },
    params: z.object({ webhook_id: wire.webhookId, message_id: wire.messageId }),
    output: wire.delivery,
    status: 202,
    errors: ['WEBHOOK_NOT_FOUND', 'DELIVERY_NOT_FOUND', 'WEBHOOK_DISABLED'],
    examples: {
      response: { ...examples.delivery, status: 'pending', next_attempt_at: '2026-05-01T10:20:00.000Z' },
    },
    uses: ['webhooks', 'events'],
    emits: ['freeface.webhook.due.v1'],
    ...sizes.record,
  },
  async ({ params, ...call }, { webhooks, events }) => {
    const { tenant, signal } = call;
    const webhook = await webhooks.getWebhook(tenant, params.webhook_id, { signal });
    if (webhook === null) throw new AppError('WEBHOOK_NOT_FOUND');
    if (webhook.disabled !== null) throw new AppError('WEBHOOK_DISABLED');
    const { message, call: due } = await webhooks.redeliver(tenant, webhook.webhookId, params.message_id, {
      quietMs: tuning.quietMs,
      signal,
    });
    if (due) await callFor([{ tenant, queue: message.queue }], call, { events });
    return { data: wire.presentDelivery(message) };
  },
);
