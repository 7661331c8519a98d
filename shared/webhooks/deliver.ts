import { systemEntry } from '../domain/system-audit.ts';
import { nextAttempt, signedHeaders, webhooks as tuning } from '../domain/webhooks.ts';
import { BreakerOpen, breakersOf } from '../function/breaker.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Attempt, Queue, Verdict, Webhook, WebhookMessage } from '../ports/webhooks.ts';
import { allowedOf } from './addresses.ts';
import { callFor } from './call-for.ts';
import { type Sent, send } from './send.ts';

/**
 * One turn of a queue: sends due messages one after another, for a limited time. See: [Note: Turns of a queue]
 *
 * [Note: A postponed message keeps its attempts]
 * After several failures in a row the circuit breaker of a queue opens. The messages then wait in the store and use no attempts. After a
 * pause one message is tried; if it is delivered, the others follow.
 */
export async function deliverQueue(
  queue: Queue,
  call: CallContext,
  { webhooks, events, audit }: Pick<Ports, 'webhooks' | 'events' | 'audit'>,
): Promise<void> {
  const turn = call.newId();
  const { leaseMs, mostOfTenant, quietMs } = tuning;
  if (!(await webhooks.beginTurn(queue, turn, { leaseMs, mostOfTenant, signal: call.signal }))) return;
  let restUntil: number | undefined;
  try {
    restUntil = await sendDue(queue, turn, call, { webhooks, audit });
  } finally {
    // Runs however the turn ends. If it fails, the lease of the turn expires.
    if (await webhooks.endTurn(queue, turn, { restUntil, quietMs })) await callFor([queue], call, { events });
  }
}

/** Resolves to the time when the queue may continue, in milliseconds since the epoch; undefined: at any time. */
async function sendDue(
  queue: Queue,
  turn: string,
  call: CallContext,
  ports: Pick<Ports, 'webhooks' | 'audit'>,
): Promise<number | undefined> {
  const { webhooks } = ports;
  const { clock, signal } = call;
  const breaker = breakersOf(call).of('webhook', `${queue.tenant}/${queue.queue}`);
  const end = clock.now() + tuning.turnMs;
  while (clock.now() < end) {
    signal.throwIfAborted();
    if (breaker.waitMs() > 0) return clock.now() + breaker.waitMs();
    const next = await webhooks.nextMessage(queue, turn, { leaseMs: tuning.leaseMs, signal });
    if (next === null) return undefined;
    const { message, webhook } = next;
    const url = message.url ?? webhook.url;
    if (webhook.disabled !== null || url === null) {
      await webhooks.settle(queue.tenant, message.messageId, null, { status: 'dead' }, { signal });
      continue;
    }
    const { sent, at } = await breaker
      .execute(async () => {
        const tried = await sendOnce(url, message, webhook, call);
        if (tried.sent.error !== null) throw new Failed(tried);
        return tried;
      })
      .catch((error: unknown) => {
        if (error instanceof Failed) return error.tried;
        if (error instanceof BreakerOpen) return { sent: null, at: 0 };
        throw error;
      });
    if (sent === null) continue;
    // No abort signal: the outcome of a sent message must be stored.
    await webhooks.settle(
      queue.tenant,
      message.messageId,
      attemptOf(sent, at),
      await verdictOf(sent, next, call, ports),
    );
  }
  return undefined;
}

interface Tried {
  readonly sent: Sent;
  readonly at: number;
}

/** An attempt that counts as a failure of the receiver. */
class Failed extends Error {
  readonly tried: Tried;

  constructor(tried: Tried) {
    super('the receiver did not accept the message');
    this.tried = tried;
  }
}

/** Sends a message once, also if its queue waits. */
export async function sendOnce(
  url: string,
  { messageId, payload, type }: Pick<WebhookMessage, 'messageId' | 'payload' | 'type'>,
  { webhookId, secrets }: Pick<Webhook, 'webhookId' | 'secrets'>,
  { clock, signal, config, metrics, log }: CallContext,
): Promise<Tried> {
  const at = clock.now();
  const good = secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > at).map(({ secret }) => secret);
  const sent = await send(
    { url, payload, headers: signedHeaders(messageId, at, payload, good) },
    { clock, signal, allowed: allowedOf(config.webhookAllow) },
  );
  const outcome = outcomeOf(sent);
  metrics.webhookAttempts.inc({ outcome });
  metrics.webhookSeconds.observe({ outcome }, sent.durationMs / 1000);
  const { status, durationMs } = sent;
  // Only the host of the address: paths and queries may contain tokens.
  log.info(
    {
      webhook_id: webhookId,
      message_id: messageId,
      type,
      host: new URL(url).host,
      status,
      outcome,
      ms: Math.round(durationMs),
    },
    'webhook called',
  );
  return { sent, at };
}

export const attemptOf = ({ status, durationMs, error }: Sent, at: number): Omit<Attempt, 'number'> => ({
  at,
  status,
  durationMs,
  error,
});

/** The next state of a message after an attempt. Status 410 also disables the webhook. */
async function verdictOf(
  sent: Sent,
  { message, webhook }: { message: WebhookMessage; webhook: Webhook },
  call: CallContext,
  { webhooks, audit }: Pick<Ports, 'webhooks' | 'audit'>,
): Promise<Verdict> {
  const { tenant, clock, metrics } = call;
  if (sent.error === null) return { status: 'delivered' };
  if (sent.status === 410) {
    if (message.url === null && message.type !== 'test.ping') {
      const details = { webhook_id: webhook.webhookId, disabled: 'gone' };
      await webhooks.updateWebhook(tenant, webhook.webhookId, { disabled: 'gone' });
      await audit.append(tenant, systemEntry('deliver-webhook', {}, { details }, call), { durable: true });
    }
    return { status: 'dead' };
  }
  const { messageId, scheduledAt, tries } = message;
  const dueAt = nextAttempt({
    messageId,
    scheduledAt,
    tries: tries + 1,
    now: clock.now(),
    notBeforeMs: sent.retryAfterMs,
  });
  if (dueAt !== null) return { status: 'pending', dueAt };
  metrics.webhooksGivenUp.inc();
  return { status: 'dead' };
}

function outcomeOf({ status, error }: Sent): 'delivered' | 'refused' | 'failed' | 'gone' {
  if (error === null) return 'delivered';
  if (status === 410) return 'gone';
  return status === null ? 'failed' : 'refused';
}
