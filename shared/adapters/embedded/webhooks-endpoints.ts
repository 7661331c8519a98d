import { isDeepStrictEqual } from 'node:util';
import type { WebhookType } from '../../domain/webhooks.ts';
import { AppError } from '../../errors.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { NewWebhook, Webhook, WebhookChanges, WebhookSecret } from '../../ports/webhooks.ts';
import type { PageTokens } from '../page-token.ts';
import { type Numbered, pageOf } from './accounts-page.ts';
import { given } from './accounts-tenants.ts';
import type { Database } from './database.ts';

interface WebhookRow extends Numbered {
  webhook_id: string;
  url: string | null;
  description: string;
  types: string;
  secrets: string;
  disabled: Webhook['disabled'];
  created_by: string | null;
  created_at: number;
  updated_at: number;
  version: number;
}

/** Inside a transaction. Errors: QUOTA_EXCEEDED. */
export function create(database: Database, tenant: Tenant, webhook: NewWebhook, most: number, now: number): Webhook {
  const there = get(database, tenant, webhook.webhookId);
  if (there !== null) return there;
  const { count } = database.get<{ count: number }>('SELECT count(*) AS count FROM webhooks WHERE tenant = ?', [
    tenant,
  ])!;
  if (count >= most) throw new AppError('QUOTA_EXCEEDED', { message: `There are ${count} webhooks already.` });
  const secrets: WebhookSecret[] = [{ secret: webhook.secret, createdAt: now, expiresAt: null }];
  database.run(
    `INSERT INTO webhooks (tenant, webhook_id, url, description, types, secrets, created_by, created_at, updated_at, version)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
    [
      tenant,
      webhook.webhookId,
      webhook.url,
      webhook.description,
      JSON.stringify(webhook.types),
      JSON.stringify(secrets),
      webhook.createdBy,
      now,
      now,
    ],
  );
  return get(database, tenant, webhook.webhookId)!;
}

export function get(database: Database, tenant: Tenant, webhookId: string): Webhook | null {
  const row = database.get<WebhookRow>('SELECT * FROM webhooks WHERE tenant = ? AND webhook_id = ?', [
    tenant,
    webhookId,
  ]);
  return row === undefined ? null : toWebhook(row);
}

/** Errors: WEBHOOK_NOT_FOUND. */
export function require(database: Database, tenant: Tenant, webhookId: string): Webhook {
  const webhook = get(database, tenant, webhookId);
  if (webhook === null) throw new AppError('WEBHOOK_NOT_FOUND');
  return webhook;
}

export const list = (database: Database, tokens: PageTokens, tenant: Tenant, options: PageOptions): Page<Webhook> =>
  pageOf<WebhookRow, Webhook>(database, tokens, options, { table: 'webhooks', tenant, toItem: toWebhook });

/** Filters in memory, because a tenant has few webhooks. */
export const askingFor = (database: Database, tenant: Tenant, type: WebhookType): Webhook[] =>
  database
    .all<WebhookRow>('SELECT * FROM webhooks WHERE tenant = ? AND disabled IS NULL ORDER BY number', [tenant])
    .map(toWebhook)
    .filter(({ types }) => types.includes(type));

/** Inside a transaction. The version stays if all values stay the same. Errors: WEBHOOK_NOT_FOUND, VERSION_CONFLICT. */
export function update(
  database: Database,
  tenant: Tenant,
  webhookId: string,
  changes: WebhookChanges,
  version: number | undefined,
  now: number,
): Webhook {
  const before = require(database, tenant, webhookId);
  if (version !== undefined && version !== before.version) throw new AppError('VERSION_CONFLICT');
  return replace(database, tenant, before, { ...before, ...given(changes) }, now);
}

/** Inside a transaction. Errors: WEBHOOK_NOT_FOUND. */
export function rotate(
  database: Database,
  tenant: Tenant,
  webhookId: string,
  secret: string,
  { previousUntil, most }: { readonly previousUntil: number; readonly most: number },
  now: number,
): Webhook {
  const before = require(database, tenant, webhookId);
  const previous = before.secrets
    .map((each) => ({ ...each, expiresAt: Math.min(each.expiresAt ?? previousUntil, previousUntil) }))
    .filter(({ expiresAt }) => expiresAt > now);
  const secrets = [{ secret, createdAt: now, expiresAt: null }, ...previous].slice(0, most);
  return replace(database, tenant, before, { ...before, secrets }, now);
}

/** Inside a transaction. Also deletes its messages and attempts. */
export function remove(database: Database, tenant: Tenant, webhookId: string): boolean {
  return database.run('DELETE FROM webhooks WHERE tenant = ? AND webhook_id = ?', [tenant, webhookId]).changes > 0;
}

function replace(database: Database, tenant: Tenant, before: Webhook, after: Webhook, now: number): Webhook {
  if (isDeepStrictEqual(before, after)) return before;
  database.run(
    `UPDATE webhooks SET url = ?, description = ?, types = ?, secrets = ?, disabled = ?, updated_at = max(?, updated_at),
       version = version + 1
     WHERE tenant = ? AND webhook_id = ?`,
    [
      after.url,
      after.description,
      JSON.stringify(after.types),
      JSON.stringify(after.secrets),
      after.disabled,
      now,
      tenant,
      before.webhookId,
    ],
  );
  return get(database, tenant, before.webhookId)!;
}

const toWebhook = (row: WebhookRow): Webhook => ({
  webhookId: row.webhook_id,
  url: row.url,
  description: row.description,
  types: JSON.parse(row.types) as WebhookType[],
  secrets: JSON.parse(row.secrets) as WebhookSecret[],
  disabled: row.disabled,
  createdBy: row.created_by,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  version: row.version,
});
