import * as z from 'zod';
import { jobWebhookId, messageTypes, webhookTypes } from '../domain/webhooks.ts';
import { type LoggedMessage, messageStatuses, type Webhook } from '../ports/webhooks.ts';
import { isPrintable, presentTime, presentTimeOrNull } from './gallery.ts';

/** The shapes of webhooks and their deliveries on the wire. */

export const webhookId = z
  .string()
  .regex(/^([0-9a-f-]{36}|jobs)$/, `must be the id of a webhook, or ${jobWebhookId}`)
  .describe('Id of a webhook; `jobs` is the one for addresses that come with a job.');
export const messageId = z.guid('must be a UUID').describe('Id of a message, the `webhook-id` that its receiver sees.');

export const url = z
  .string()
  .min(1)
  .max(2048, 'must have at most 2048 characters')
  .describe('HTTPS, port 443, not a private address; the operator can allow others with FREEFACE_WEBHOOK_ALLOW.');
export const description = z
  .string()
  .max(256, 'must have at most 256 characters')
  .refine(isPrintable, 'must not have control characters')
  .describe('For people to read.');
export const types = z
  .array(z.enum(webhookTypes))
  .min(1)
  .max(32)
  .describe('What it is told of; everything when absent.');
export const status = z
  .enum(messageStatuses)
  .describe('dead: given up after its last attempt, or since the webhook is out of use.');

export const webhook = z.object({
  webhook_id: z.string(),
  url: z.string().nullable().describe('null: each message brings its own.'),
  description: z.string(),
  event_types: z.array(z.enum(webhookTypes)),
  disabled: z.boolean(),
  disabled_reason: z.enum(['asked', 'gone']).nullable().describe('gone: its receiver answered 410.'),
  secrets: z
    .array(z.object({ created_at: z.string(), expires_at: z.string().nullable() }))
    .describe('When those that sign now were made, and until when they do; the newest first.'),
  created_by: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
  version: z.number().int(),
});

export const secret = z
  .string()
  .describe('`whsec_…`, with which the receiver checks signatures as of Standard Webhooks. It is shown this once.');

export const delivery = z.object({
  message_id: z.string(),
  webhook_id: z.string(),
  type: z.enum(messageTypes),
  status,
  payload: z.string().describe('Exactly as it is sent.'),
  url: z.string().nullable().describe('Where it goes when it brings its own address.'),
  accepted_at: z.string(),
  next_attempt_at: z.string().nullable(),
  attempts: z.array(
    z.object({
      number: z.number().int(),
      at: z.string(),
      status: z.number().int().nullable().describe('HTTP status; null: there was no answer.'),
      duration_ms: z.number().int(),
      error: z.string().nullable(),
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
  attempts: stored.attempts.map(({ number, at, status: answered, durationMs, error }) => ({
    number,
    at: presentTime(at),
    status: answered,
    duration_ms: Math.round(durationMs),
    error,
  })),
});
