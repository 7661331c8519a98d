import { randomBytes } from 'node:crypto';
import {
  jobMessageIdOf,
  jobQueueOf,
  jobWebhookId,
  type MessageType,
  messageIdOf,
  webhooks as tuning,
  type WebhookType,
  webhookSecret,
} from '../domain/webhooks.ts';
import { type EventType, eventData } from '../events/catalogue.ts';
import type { CallContext, EventCall } from '../function/define.ts';
import type { Event } from '../ports/events.ts';
import type { Ports } from '../ports/index.ts';
import type { Tenant } from '../ports/tenant.ts';
import type { NewMessage, Webhook } from '../ports/webhooks.ts';
import { callFor } from './call-for.ts';

/** The public type of each event. */
const publicTypes = {
  'freeface.person.created.v1': 'person.created',
  'freeface.person.updated.v1': 'person.updated',
  'freeface.person.erased.v1': 'person.erased',
  'freeface.face.enrolled.v1': 'face.enrolled',
  'freeface.face.erased.v1': 'face.erased',
  'freeface.enrollment.completed.v1': 'job.completed',
  'freeface.enrollment.failed.v1': 'job.failed',
} as const satisfies Partial<Record<EventType, WebhookType>>;
type ToldType = keyof typeof publicTypes;
export const toldTypes = Object.keys(publicTypes) as ToldType[];

/** Adds a message for each webhook that subscribes to the event, and for the webhook_url of the job. A repeated call changes nothing. */
export async function dispatchEvent(
  call: EventCall,
  { records, webhooks, events }: Pick<Ports, 'records' | 'webhooks' | 'events'>,
): Promise<undefined> {
  const { event, tenant, signal } = call;
  const eventType = event.type as ToldType;
  const type = publicTypes[eventType];
  // Only the fields of the catalogue: ids and codes.
  const data = eventData(eventType, event);
  const payload = payloadOf(type, event.time, data);
  const messages = (await webhooks.webhooksFor(tenant, type, { signal })).map(
    (webhook): NewMessage => messageTo(webhook, event, tenant, type, payload),
  );
  if ('job_id' in data) {
    const job = await records.getJob(tenant, data.job_id, { signal });
    const url = job?.webhookUrl ?? null;
    if (url !== null && URL.canParse(url)) {
      const webhook = await jobWebhook(call, { webhooks });
      const queue = jobQueueOf(tenant, new URL(url).origin);
      const messageId = jobMessageIdOf(tenant, data.job_id);
      if (webhook.disabled === null)
        messages.push({ messageId, webhookId: webhook.webhookId, queue, type, url, payload });
    }
  }
  if (messages.length === 0) return;
  const due = await webhooks.addMessages(tenant, messages, { quietMs: tuning.quietMs, signal });
  if (due.length > 0)
    await callFor(
      due.map((queue) => ({ tenant, queue })),
      call,
      { events },
    );
}

/** The payload in the form of Standard Webhooks. */
export const payloadOf = (type: MessageType, time: string | undefined, data: unknown): string =>
  JSON.stringify({ type, timestamp: time, data });

/** The tenant's webhook for the webhook_url of jobs; created at the first use. */
export async function jobWebhook(
  { tenant, signal }: Pick<CallContext, 'tenant' | 'signal'>,
  { webhooks }: Pick<Ports, 'webhooks'>,
): Promise<Webhook> {
  const there = await webhooks.getWebhook(tenant, jobWebhookId, { signal });
  if (there !== null) return there;
  const webhook = {
    webhookId: jobWebhookId,
    url: null,
    description: 'Addresses from the webhook_url of jobs.',
    types: [],
    createdBy: null,
    secret: newSecret(),
  };
  return webhooks.createWebhook(tenant, webhook, { most: Number.MAX_SAFE_INTEGER, signal });
}

export const newSecret = (): string => webhookSecret(randomBytes(32));

const messageTo = (
  { webhookId }: Webhook,
  event: Event,
  tenant: Tenant,
  type: WebhookType,
  payload: string,
): NewMessage => ({
  messageId: messageIdOf(tenant, webhookId, event.id),
  webhookId,
  queue: webhookId,
  type,
  url: null,
  payload,
});
