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
    summary: 'Send a webhook a test message',
    description:
      'At once, and once: the answer tells what the receiver made of a `test.ping`. It stands in the log as well. A webhook that is out of use can be tried too.',
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
    if (url === null) refuseField('webhook_id', 'has no address of its own');
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
