import { createHash, createHmac } from 'node:crypto';
import { v5 } from 'uuid';

/** Webhooks: message types, time limits, ids and signatures. */

/** Message types to which a webhook can subscribe. */
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
/** All message types: those to which a webhook can subscribe, and the test message. */
export const messageTypes = [...webhookTypes, 'test.ping'] as const;
export type MessageType = (typeof messageTypes)[number];

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Tested by shared/domain/webhooks.test.ts and shared/webhooks/deliver.test.ts. Times are in milliseconds. */
export const webhooks = {
  /**
   * Times of the retries after the first attempt; each retry is up to `jitter` (as a fraction) later. Source: Standard Webhooks. The
   * first retries cover a restart of the receiver; the later ones give a person time to repair it.
   */
  retriesMs: [5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 24 * hour],
  jitter: 0.1,
  /** Shortest pause between two attempts of a message. */
  leastPauseMs: 5 * second,
  /** A message that could not be sent for this time becomes dead. */
  mostMs: 48 * hour,
  /** Time-out of one request, from the name look-up to the head of the response. */
  timeoutMs: 15 * second,
  /** Length of one turn of a queue. A turn plus one more request ends before a stopping process is killed. */
  turnMs: 8 * second,
  /** Lease of a turn. If the worker does not renew it, its process is dead and the turn ends. */
  leaseMs: 45 * second,
  /** A turn must start within this time after its event. Otherwise the event is published again. */
  quietMs: 30 * second,
  /** Receivers that are called at the same time: by one process, and for one tenant in all processes. */
  concurrency: 64,
  mostOfTenant: 40,
  mostWebhooks: 50,
  /** Retention of a message and its attempts. */
  keptMs: 30 * day,
  /** Default time for which an old secret stays valid after a new one; and the most secrets with which a message is signed. */
  previousSecretMs: 1 * day,
  mostSecrets: 3,
} as const;

/** Id of the webhook of a tenant for the URLs that clients give with a job. */
export const jobWebhookId = 'jobs';

const namespace = '3f1f4b0e-7d0c-5f0e-8a55-5d6a3a2c9b71';

/** Id of the message of an event to a webhook. A repeated delivery of the event gives the same id. See: [Note: Deterministic ids] */
export const messageIdOf = (tenant: string, webhookId: string, eventId: string): string =>
  v5(`message/${tenant}/${webhookId}/${eventId}`, namespace);

/** Id of the message about the end of a job to the URL that was given with it. Each job has one such message. */
export const jobMessageIdOf = (tenant: string, jobId: string): string => messageIdOf(tenant, jobWebhookId, jobId);

/** Id of the queue of a receiver. All messages to one receiver are in one queue. For URLs of jobs, each origin is a receiver. */
export const jobQueueOf = (tenant: string, origin: string): string => v5(`queue/${tenant}/${origin}`, namespace);

/**
 * Returns the time of the next attempt, in milliseconds since the epoch; null when no attempt is left. `scheduledAt`: time of the first
 * attempt. `tries`: attempts so far. `notBeforeMs`: pause from now that the receiver requested.
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
    // Of several attempts whose time has long passed, only one is made. A slow first attempt does not use up the next one.
    const isLast = index === webhooks.retriesMs.length - 1;
    if (index >= tries - 1 && (isLast ? at > now : at + Math.max(after, minute) > now))
      return Math.round(Math.max(at, earliest));
  }
  return null;
}

/** Pseudo-random number, 0..1. It is always the same for the same message and index. */
const fractionOf = (messageId: string, index: number): number =>
  createHash('sha256').update(`${messageId}/${index}`).digest().readUInt32BE(0) / 2 ** 32;

const secretHead = 'whsec_';

/** A secret in the form of Standard Webhooks. `bytes`: 24 to 64 random bytes. */
export const webhookSecret = (bytes: Buffer): string => secretHead + bytes.toString('base64');

/**
 * Returns the headers of Standard Webhooks: id, time in seconds, and one signature (HMAC-SHA256) for each secret. A receiver needs to
 * know only one of the secrets. `at`: milliseconds since the epoch.
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
