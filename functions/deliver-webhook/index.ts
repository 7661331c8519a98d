import { webhooks as tuning } from '../../shared/domain/webhooks.ts';
import { eventData } from '../../shared/events/catalogue.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { deliverQueue } from '../../shared/webhooks/deliver.ts';

export default defineFunction(
  {
    name: 'deliver-webhook',
    summary: 'Send due webhook messages to a receiver',
    trigger: {
      kind: 'event',
      type: 'freeface.webhook.due.v1',
      topic: 'freeface.webhooks',
      delivery: { retry: 3, backoff: 'exponential', backoffDelayMs: 1000, timeoutMs: 60_000 },
    },
    uses: ['webhooks', 'events', 'audit'],
    emits: ['freeface.webhook.due.v1'],
    ...sizes.record,
    concurrency: tuning.concurrency,
    timeoutSeconds: 60,
  },
  async (call, ports) => {
    const { queue } = eventData('freeface.webhook.due.v1', call.event);
    await deliverQueue({ tenant: call.tenant, queue }, call, ports);
    return undefined;
  },
);
