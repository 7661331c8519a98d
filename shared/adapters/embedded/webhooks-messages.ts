import type { MessageType } from '../../domain/webhooks.ts';
import { AppError } from '../../errors.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type {
  Attempt,
  LoggedMessage,
  MessageStatus,
  NewMessage,
  Verdict,
  WebhookMessage,
} from '../../ports/webhooks.ts';
import type { PageTokens } from '../page-token.ts';
import type { Numbered } from './accounts-page.ts';
import type { Database, Value } from './database.ts';
import * as queues from './webhooks-queues.ts';

interface MessageRow extends Numbered {
  tenant: Tenant;
  message_id: string;
  webhook_id: string;
  queue: string;
  type: MessageType;
  url: string | null;
  payload: string;
  status: MessageStatus;
  accepted_at: number;
  scheduled_at: number;
  due_at: number | null;
  tries: number;
}

interface AttemptRow {
  number: number;
  at: number;
  status: number | null;
  duration_ms: number;
  error: string | null;
}

/** Most rows that one transaction of `clear` changes or deletes. */
const clearing = 500;

/** Inside a transaction. false: the message exists already. */
export function add(database: Database, tenant: Tenant, message: NewMessage, now: number): boolean {
  const { changes } = database.run(
    `INSERT INTO messages
       (tenant, message_id, webhook_id, queue, type, url, payload, status, accepted_at, scheduled_at, due_at, tries)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, 0) ON CONFLICT DO NOTHING`,
    [
      tenant,
      message.messageId,
      message.webhookId,
      message.queue,
      message.type,
      message.url,
      message.payload,
      now,
      now,
      now,
    ],
  );
  return changes > 0;
}

export function get(database: Database, tenant: Tenant, messageId: string): LoggedMessage | null {
  const row = rowOf(database, tenant, messageId);
  return row === undefined ? null : logged(database, row);
}

/** Queues with waiting messages of a webhook. */
export const queuesOf = (database: Database, tenant: Tenant, webhookId: string): string[] =>
  database
    .all<{ queue: string }>(
      `SELECT DISTINCT queue FROM messages WHERE tenant = ? AND webhook_id = ? AND status = 'pending'`,
      [tenant, webhookId],
    )
    .map(({ queue }) => queue);

/** The message of a queue that is due first. */
export function firstDue(database: Database, tenant: Tenant, queue: string, now: number): WebhookMessage | null {
  const row = database.get<MessageRow>(
    `SELECT * FROM messages WHERE tenant = ? AND queue = ? AND due_at <= ? ORDER BY due_at, number LIMIT 1`,
    [tenant, queue, now],
  );
  return row === undefined ? null : toMessage(row);
}

/** One page, newest first. */
export function list(
  database: Database,
  tokens: PageTokens,
  tenant: Tenant,
  webhookId: string,
  { limit, after, status }: PageOptions & { readonly status?: MessageStatus | undefined },
): Page<LoggedMessage> {
  const listing = JSON.stringify(['messages', tenant, webhookId, status ?? null]);
  const [from] = after === undefined ? [Number.MAX_SAFE_INTEGER] : tokens.read(listing, after);
  const values: Value[] = [tenant, webhookId, ...(status === undefined ? [] : [status]), from, limit + 1];
  const rows = database.all<MessageRow>(
    `SELECT * FROM messages WHERE tenant = ? AND webhook_id = ? ${status === undefined ? '' : 'AND status = ?'}
       AND number < ? ORDER BY number DESC LIMIT ?`,
    values,
  );
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    items: kept.map((row) => logged(database, row)),
    next: rows.length > limit && last !== undefined ? tokens.write(listing, [last.number, '']) : null,
  };
}

/** Inside a transaction. Does nothing if the message was deleted. */
export function settle(
  database: Database,
  tenant: Tenant,
  messageId: string,
  attempt: Omit<Attempt, 'number'> | null,
  verdict: Verdict,
): void {
  const row = rowOf(database, tenant, messageId);
  if (row === undefined) return;
  if (attempt !== null) {
    database.run(
      `INSERT INTO attempts (tenant, message_id, number, at, status, duration_ms, error)
       SELECT ?, ?, coalesce(max(number), 0) + 1, ?, ?, ?, ? FROM attempts WHERE tenant = ? AND message_id = ?`,
      [tenant, messageId, attempt.at, attempt.status, Math.round(attempt.durationMs), attempt.error, tenant, messageId],
    );
  }
  database.run('UPDATE messages SET status = ?, due_at = ?, tries = ? WHERE tenant = ? AND message_id = ?', [
    verdict.status,
    verdict.status === 'pending' ? verdict.dueAt : null,
    row.tries + (attempt === null ? 0 : 1),
    tenant,
    messageId,
  ]);
  queues.refresh(database, tenant, row.queue);
}

/** Inside a transaction. Errors: DELIVERY_NOT_FOUND. */
export function restart(
  database: Database,
  tenant: Tenant,
  webhookId: string,
  messageId: string,
  now: number,
): LoggedMessage {
  const row = rowOf(database, tenant, messageId);
  if (row === undefined || row.webhook_id !== webhookId) throw new AppError('DELIVERY_NOT_FOUND');
  database.run(
    `UPDATE messages SET status = 'pending', scheduled_at = ?, due_at = ?, tries = 0 WHERE tenant = ? AND message_id = ?`,
    [now, now, tenant, messageId],
  );
  queues.refresh(database, tenant, row.queue);
  return get(database, tenant, messageId)!;
}

/** Inside a transaction. Gives up, and deletes, at most `clearing` messages each. */
export function clear(
  database: Database,
  { giveUpBefore, removeBefore }: { readonly giveUpBefore: number; readonly removeBefore: number },
): { givenUp: number; removed: number; more: boolean } {
  const late = database.all<MessageRow>(
    'SELECT * FROM messages WHERE due_at IS NOT NULL AND scheduled_at < ? ORDER BY scheduled_at LIMIT ?',
    [giveUpBefore, clearing],
  );
  for (const { tenant, message_id } of late) settle(database, tenant, message_id, null, { status: 'dead' });
  const { changes } = database.run(
    `DELETE FROM messages WHERE number IN
       (SELECT number FROM messages WHERE due_at IS NULL AND accepted_at < ? ORDER BY accepted_at LIMIT ?)`,
    [removeBefore, clearing],
  );
  return { givenUp: late.length, removed: changes, more: late.length === clearing || changes === clearing };
}

export function pending(database: Database): { messages: number; oldestAt: number | null } {
  const row = database.get<{ messages: number; oldest: number | null }>(
    'SELECT count(*) AS messages, min(scheduled_at) AS oldest FROM messages WHERE due_at IS NOT NULL',
  )!;
  return { messages: row.messages, oldestAt: row.oldest };
}

const rowOf = (database: Database, tenant: Tenant, messageId: string): MessageRow | undefined =>
  database.get<MessageRow>('SELECT * FROM messages WHERE tenant = ? AND message_id = ?', [tenant, messageId]);

const logged = (database: Database, row: MessageRow): LoggedMessage => ({
  ...toMessage(row),
  attempts: database
    .all<AttemptRow>('SELECT * FROM attempts WHERE tenant = ? AND message_id = ? ORDER BY number', [
      row.tenant,
      row.message_id,
    ])
    .map(({ number, at, status, duration_ms, error }) => ({ number, at, status, durationMs: duration_ms, error })),
});

const toMessage = (row: MessageRow): WebhookMessage => ({
  messageId: row.message_id,
  webhookId: row.webhook_id,
  queue: row.queue,
  type: row.type,
  url: row.url,
  payload: row.payload,
  status: row.status,
  acceptedAt: row.accepted_at,
  scheduledAt: row.scheduled_at,
  dueAt: row.due_at,
  tries: row.tries,
});
