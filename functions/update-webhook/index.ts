import * as z from 'zod';
import { refuseField, refuseNothing } from '../../shared/api/accounts.ts';
import { expectedVersion, versionTag } from '../../shared/api/if-match.ts';
import * as examples from '../../shared/api/webhooks.examples.ts';
import * as wire from '../../shared/api/webhooks.ts';
import { jobWebhookId } from '../../shared/domain/webhooks.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import type { WebhookChanges } from '../../shared/ports/webhooks.ts';
import { requireTarget } from '../../shared/webhooks/target.ts';

export default defineFunction(
  {
    name: 'update-webhook',
    summary: 'Change, disable or enable a webhook',
    description:
      'A given field replaces the stored value. Pending messages go to the new URL. While the webhook is disabled, its due messages are not sent and get the status `dead`. To protect the changes of other clients, send `If-Match` with the `ETag` from your last read of the webhook. If the webhook has changed since then, the response is 412.',
    tag: 'webhooks',
    trigger: { kind: 'http', method: 'PUT', path: '/api/v1/webhooks/{webhook_id}', scope: 'webhooks:manage' },
    params: z.object({ webhook_id: wire.webhookId }),
    body: z.object({
      url: wire.url.optional(),
      description: wire.description.optional(),
      event_types: wire.types.optional(),
      disabled: z.boolean().optional(),
    }),
    output: wire.webhook,
    errors: ['WEBHOOK_NOT_FOUND', 'VERSION_CONFLICT'],
    examples: {
      request: { disabled: true },
      response: { ...examples.webhook, disabled: true, disabled_reason: 'asked', version: 2 },
    },
    uses: ['webhooks'],
    ...sizes.record,
  },
  async ({ params, body, headers, tenant, clock, signal, config }, { webhooks }) => {
    refuseNothing(body, 'url, description, event_types or disabled');
    if (body.url !== undefined) requireTarget(body.url, 'url', config);
    for (const field of ['url', 'event_types'] as const) {
      if (params.webhook_id === jobWebhookId && body[field] !== undefined)
        refuseField(field, 'cannot be set for the webhook jobs, because every job has its own URL');
    }
    const webhook = await webhooks.updateWebhook(tenant, params.webhook_id, changesOf(body), {
      version: expectedVersion(headers),
      signal,
    });
    return { data: wire.presentWebhook(webhook, clock.now()), headers: { etag: versionTag(webhook) } };
  },
);

const changesOf = (given: {
  readonly url?: string | undefined;
  readonly description?: string | undefined;
  readonly event_types?: z.output<typeof wire.types> | undefined;
  readonly disabled?: boolean | undefined;
}): WebhookChanges => ({
  ...(given.url === undefined ? {} : { url: given.url }),
  ...(given.description === undefined ? {} : { description: given.description }),
  ...(given.event_types === undefined ? {} : { types: [...new Set(given.event_types)] }),
  ...(given.disabled === undefined ? {} : { disabled: given.disabled ? ('asked' as const) : null }),
});
