import * as z from 'zod';
import { refuseField } from '../../shared/api/accounts.ts';
import * as examples from '../../shared/api/webhooks.examples.ts';
import * as wire from '../../shared/api/webhooks.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { attemptOf, sendOnce } from '../../shared/webhooks/deliver.ts';
import { payloadOf } from '../../shared/webhooks/dispatch.ts';

export default defineFunction(
  {
    name: 'ping-webhook',
    summary: 'Send a test message to a webhook',
    description:
      'The platform sends the message `test.ping` at once and does not retry it. The response shows how the receiver answered. The list of deliveries shows the message too. You can also test a disabled webhook.',
    tag: 'webhooks',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/webhooks/{webhook_id}/ping', scope: 'webhooks:manage' },
    params: z.object({ webhook_id: wire.webhookId }),
    output: wire.delivery,
    errors: ['WEBHOOK_NOT_FOUND'],
    examples: {
      response: {
        ...examples.delivery,
        type: 'test.ping',
        payload: `{"type":"test.ping","timestamp":"2026-05-01T10:05:00.000Z","data":{"webhook_id":"${examples.webhook.webhook_id}"}}`,
      },
    },
    uses: ['webhooks'],
    ...sizes.record,
    timeoutSeconds: 30,
  },
  async ({ params, ...call }, { webhooks }) => {
    const { tenant, clock, signal, newId } = call;
    const webhook = await webhooks.getWebhook(tenant, params.webhook_id, { signal });
    if (webhook === null) throw new AppError('WEBHOOK_NOT_FOUND');
    const { webhookId, url } = webhook;
    if (url === null) refuseField('webhook_id', 'must name a webhook that has a URL');
    const time = new Date(clock.now()).toISOString();
    const message = {
      messageId: newId(),
      webhookId,
      queue: webhookId,
      type: 'test.ping' as const,
      url: null,
      payload: payloadOf('test.ping', time, { webhook_id: webhookId }),
    };
    const { sent, at } = await sendOnce(url, message, webhook, call);
    const logged = await webhooks.addTried(tenant, message, attemptOf(sent, at), {
      status: sent.error === null ? 'delivered' : 'dead',
    });
    return { data: wire.presentDelivery(logged) };
  },
);
