import { createHash, createHmac } from 'node:crypto';
import { v5 } from 'uuid';

/** What webhooks are told of, and when and how. */

/** What a webhook can ask for. */
export const webhookTypes = [
  'person.created',
  'person.updated',
  'person.erased',
  'face.enrolled',
  'face.erased',
  'job.completed',
  'job.failed',
] as const;
export type WebhookType = (typeof webhookTypes)[number];
export const messageTypes = [...webhookTypes, 'test.ping'] as const;
export type MessageType = (typeof messageTypes)[number];

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Held by shared/domain/webhooks.test.ts and shared/webhooks/deliver.test.ts. */
export const webhooks = {
  /**
   * When a message is tried again, counted from its first attempt; each up to `jitter` later. As Standard Webhooks advises: soon for a
   * restart, then for as long as somebody needs to wake up and repair it.
   */
  retriesMs: [5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 24 * hour],
  jitter: 0.1,
  /** Attempts that were held back follow each other no faster. */
  leastPauseMs: 5 * second,
  /** A message that could not be tried for so long is given up. */
  mostMs: 48 * hour,
  /** One call, from the look-up of its name to the head of the answer. */
  timeoutMs: 15 * second,
  /** One turn of a queue; the others come after it. With one more call it is over before a process that stops is killed. */
  turnMs: 8 * second,
  /** A turn that says nothing for so long is over: its process is gone. */
  leaseMs: 45 * second,
  /** A turn that was called for begins within this, or it is called for again. */
  quietMs: 30 * second,
  /** Receivers called at once: of one process, and of one tenant everywhere. */
  concurrency: 64,
  mostOfTenant: 40,
  mostWebhooks: 50,
  /** How long a message and its attempts stay in the log. */
  keptMs: 30 * day,
  /** How long a secret is good after a new one was made, unless asked for otherwise; and how many signatures a message carries. */
  previousSecretMs: 1 * day,
  mostSecrets: 3,
} as const;

/** The webhook that every tenant has for addresses that come with a job. */
export const jobWebhookId = 'jobs';

const namespace = '3f1f4b0e-7d0c-5f0e-8a55-5d6a3a2c9b71';

/** One event is one message to a webhook, however often it is delivered here. See: [Note: Deterministic ids] */
export const messageIdOf = (tenant: string, webhookId: string, eventId: string): string =>
  v5(`message/${tenant}/${webhookId}/${eventId}`, namespace);

/** A job ends once, and tells the address that came with it once. */
export const jobMessageIdOf = (tenant: string, jobId: string): string => messageIdOf(tenant, jobWebhookId, jobId);

/** Messages to one receiver stand in one queue. Jobs name addresses freely: each origin is a receiver. */
export const jobQueueOf = (tenant: string, origin: string): string => v5(`queue/${tenant}/${origin}`, namespace);

/**
 * When the next attempt is due, in milliseconds since the epoch; null: there is none left. `tries`: attempts so far. `notBeforeMs`: what
 * the receiver asked for, from now.
 */
export function nextAttempt({
  messageId,
  scheduledAt,
  tries,
  now,
  notBeforeMs = 0,
}: {
  readonly messageId: string;
  readonly scheduledAt: number;
  readonly tries: number;
  readonly now: number;
  readonly notBeforeMs?: number;
}): number | null {
  const earliest = now + Math.max(webhooks.leastPauseMs, notBeforeMs);
  for (const [index, after] of webhooks.retriesMs.entries()) {
    const at = scheduledAt + after * (1 + webhooks.jitter * fractionOf(messageId, index));
    // Of attempts whose time is long past, one is made, not all; a first one that took long does not cost the next.
    const isLast = index === webhooks.retriesMs.length - 1;
    if (index >= tries - 1 && (isLast ? at > now : at + Math.max(after, minute) > now))
      return Math.round(Math.max(at, earliest));
  }
  return null;
}

/** 0..1, the same for the same message and index. */
const fractionOf = (messageId: string, index: number): number =>
  createHash('sha256').update(`${messageId}/${index}`).digest().readUInt32BE(0) / 2 ** 32;

const secretHead = 'whsec_';

/** A secret as Standard Webhooks writes it. `bytes`: 24 to 64. */
export const webhookSecret = (bytes: Buffer): string => secretHead + bytes.toString('base64');

/**
 * The headers of Standard Webhooks: id, time in seconds and one signature (HMAC-SHA256) for each secret, so that a receiver may know
 * any of them. `at`: milliseconds since the epoch.
 */
export function signedHeaders(
  messageId: string,
  at: number,
  payload: string,
  secrets: readonly string[],
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(at / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(secretHead.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${messageId}.${timestamp}.${payload}`).digest('base64')}`;
  });
  return { 'webhook-id': messageId, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
