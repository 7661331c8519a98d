import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { dispatchEvent, toldTypes } from '../../shared/webhooks/dispatch.ts';

export default defineFunction(
  {
    name: 'dispatch-webhooks',
    summary: 'Create the webhook messages for an event',
    trigger: { kind: 'event', type: toldTypes, topic: 'freeface.events' },
    uses: ['records', 'webhooks', 'events'],
    emits: ['freeface.webhook.due.v1'],
    ...sizes.record,
    concurrency: 16,
  },
  dispatchEvent,
);
