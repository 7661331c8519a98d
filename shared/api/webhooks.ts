import * as z from 'zod';
import { jobWebhookId, messageTypes, webhookTypes } from '../domain/webhooks.ts';
import { type LoggedMessage, messageStatuses, type Webhook } from '../ports/webhooks.ts';
import { isPrintable, presentTime, presentTimeOrNull } from './gallery.ts';

/** Schemas of webhooks and their deliveries, and functions that present stored records in them. */

export const webhookId = z
  .string()
  .regex(/^([0-9a-f-]{36}|jobs)$/, `must be the id of a webhook, or ${jobWebhookId}`)
  .describe('Id of a webhook. `jobs` is the webhook for the `webhook_url` of enrolment jobs.');
export const messageId = z
  .guid('must be a UUID')
  .describe('Id of a message. The receiver sees it in the header `webhook-id`.');

export const url = z
  .string()
  .min(1)
  .max(2048, 'must have at most 2048 characters')
  .describe(
    'HTTPS on port 443, not at a private address. The operator can allow other URLs with FREEFACE_WEBHOOK_ALLOW.',
  );
export const description = z
  .string()
  .max(256, 'must have at most 256 characters')
  .refine(isPrintable, 'must not have control characters')
  .describe('Free text for display.');
export const types = z
  .array(z.enum(webhookTypes))
  .min(1)
  .max(32)
  .describe('Event types to deliver; absent: all types.');
export const status = z
  .enum(messageStatuses)
  .describe(
    'pending: an attempt follows. delivered: the receiver accepted the message. dead: no attempt follows, because the last one failed or the webhook is disabled.',
  );

export const webhook = z.object({
  webhook_id: z.string(),
  url: z.string().nullable().describe('null: each message has its own URL.'),
  description: z.string(),
  event_types: z.array(z.enum(webhookTypes)),
  disabled: z.boolean(),
  disabled_reason: z
    .enum(['asked', 'gone'])
    .nullable()
    .describe('asked: a caller disabled the webhook. gone: the receiver responded with 410. null: it is enabled.'),
  secrets: z
    .array(z.object({ created_at: z.string(), expires_at: z.string().nullable() }))
    .describe(
      'Creation and expiry of the secrets that sign messages now, the newest first. The current secret does not expire (null).',
    ),
  created_by: z.string().nullable().describe('Creator: `user:…`, `key:…` or `outside:…`; null: the platform itself.'),
  created_at: z.string(),
  updated_at: z.string(),
  version: z
    .number()
    .int()
    .describe('1 at first, then 1 more with each change. In double quotes, it is the `ETag` for `If-Match`.'),
});

export const secret = z
  .string()
  .describe(
    'Secret `whsec_…`, with which the receiver checks the signatures (Standard Webhooks). It is shown only once.',
  );

export const delivery = z.object({
  message_id: z.string(),
  webhook_id: z.string(),
  type: z.enum(messageTypes),
  status,
  payload: z.string().describe('Body of the message, exactly as it is sent.'),
  url: z.string().nullable().describe('URL of this message; null: the URL of its webhook.'),
  accepted_at: z.string(),
  next_attempt_at: z.string().nullable().describe('null: no attempt follows.'),
  attempts: z.array(
    z.object({
      number: z.number().int().describe('From 1.'),
      at: z.string(),
      status: z.number().int().nullable().describe('HTTP status of the response; null: no response.'),
      duration_ms: z.number().int().describe('Milliseconds.'),
      error: z.string().nullable().describe('null: the attempt succeeded.'),
    }),
  ),
});

export const presentWebhook = (stored: Webhook, now: number) => ({
  webhook_id: stored.webhookId,
  url: stored.url,
  description: stored.description,
  event_types: [...stored.types],
  disabled: stored.disabled !== null,
  disabled_reason: stored.disabled,
  secrets: stored.secrets
    .filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
    .map(({ createdAt, expiresAt }) => ({
      created_at: presentTime(createdAt),
      expires_at: presentTimeOrNull(expiresAt),
    })),
  created_by: stored.createdBy,
  created_at: presentTime(stored.createdAt),
  updated_at: presentTime(stored.updatedAt),
  version: stored.version,
});

export const presentDelivery = (stored: LoggedMessage) => ({
  message_id: stored.messageId,
  webhook_id: stored.webhookId,
  type: stored.type,
  status: stored.status,
  payload: stored.payload,
  url: stored.url,
  accepted_at: presentTime(stored.acceptedAt),
  next_attempt_at: presentTimeOrNull(stored.dueAt),
  attempts: stored.attempts.map(({ number, at, status: httpStatus, durationMs, error }) => ({
    number,
    at: presentTime(at),
    status: httpStatus,
    duration_ms: Math.round(durationMs),
    error,
  })),
});
