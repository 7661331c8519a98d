import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { WebhookType } from '../../domain/webhooks.ts';
import { AppError } from '../../errors.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { CallOptions } from '../../ports/tenant.ts';
import type { NewWebhook, Webhook, WebhookChanges, WebhookSecret } from '../../ports/webhooks.ts';
import { given } from './accounts-tenants.ts';
import { checkLimit } from './scylla/lists.ts';
import type { ScyllaStore } from './scylla/store.ts';

/**
 * A webhook as it is stored. `number`: position in the list. `era`: messages store the era of their webhook. When another webhook gets the
 * same id, its era differs, so the old messages do not belong to it.
 *
 * [Note: All webhooks of a tenant in one row]
 * A tenant has at most some dozens of webhooks, with a few hundred bytes each, and each event needs all of them. So they are in one
 * row. This needs no list, and their number is exact, even when two calls add the last allowed webhook at the same time.
 */
export interface StoredWebhook extends Webhook {
  readonly number: number;
  readonly era: string;
}
interface WebhooksOfTenant {
  readonly last: number;
  /** Oldest first. */
  readonly webhooks: readonly StoredWebhook[];
}

/** All webhooks of a tenant, oldest first. */
export const all = async ({ documents }: ScyllaStore, tenant: string): Promise<readonly StoredWebhook[]> =>
  (await documents.get<WebhooksOfTenant>('webhooks', tenant, 'all'))?.webhooks ?? [];

/** Errors: QUOTA_EXCEEDED. */
export const create = (
  store: ScyllaStore,
  tenant: string,
  { webhookId, url, description, types, createdBy, secret }: NewWebhook,
  { most, ...options }: CallOptions & { readonly most: number },
): Promise<Webhook> =>
  change(store, tenant, options, ({ last, webhooks }, at) => {
    const existing = webhooks.find((each) => each.webhookId === webhookId);
    if (existing !== undefined) return { result: toWebhook(existing) };
    if (webhooks.length >= most) {
      throw new AppError('QUOTA_EXCEEDED', {
        message: `The tenant already has ${webhooks.length} webhooks. Delete one first.`,
      });
    }
    const made: StoredWebhook = {
      webhookId,
      url,
      description,
      types,
      secrets: [{ secret, createdAt: at, expiresAt: null }],
      disabled: null,
      createdBy,
      createdAt: at,
      updatedAt: at,
      version: 1,
      number: last + 1,
      era: randomUUID(),
    };
    return { next: { last: made.number, webhooks: [...webhooks, made] }, result: toWebhook(made) };
  });

export async function get(store: ScyllaStore, tenant: string, webhookId: string): Promise<Webhook | null> {
  const stored = (await all(store, tenant)).find((each) => each.webhookId === webhookId);
  return stored === undefined ? null : toWebhook(stored);
}

/** Errors: WEBHOOK_NOT_FOUND. */
export const require = async (store: ScyllaStore, tenant: string, webhookId: string): Promise<StoredWebhook> =>
  find(await all(store, tenant), webhookId);

export async function list(store: ScyllaStore, tenant: string, { limit, after }: PageOptions): Promise<Page<Webhook>> {
  checkLimit(limit);
  const tokens = await store.tokens();
  const listing = JSON.stringify(['webhooks', tenant]);
  const [from] = after === undefined ? [0] : tokens.read(listing, after);
  const rest = (await all(store, tenant)).filter(({ number }) => number > from);
  const items = rest.slice(0, limit);
  return {
    items: items.map(toWebhook),
    next: rest.length > limit ? tokens.write(listing, [items.at(-1)!.number, '']) : null,
  };
}

export const askingFor = async (store: ScyllaStore, tenant: string, type: WebhookType): Promise<Webhook[]> =>
  (await all(store, tenant)).filter(({ disabled, types }) => disabled === null && types.includes(type)).map(toWebhook);

/** The version stays the same when no value changes. Errors: WEBHOOK_NOT_FOUND, VERSION_CONFLICT. */
export const update = (
  store: ScyllaStore,
  tenant: string,
  webhookId: string,
  changes: WebhookChanges,
  options: (CallOptions & { readonly version?: number | undefined }) | undefined,
): Promise<Webhook> =>
  replace(store, tenant, webhookId, options, (before) => {
    if (options?.version !== undefined && options.version !== before.version) throw new AppError('VERSION_CONFLICT');
    return { ...before, ...given(changes) };
  });

/** Errors: WEBHOOK_NOT_FOUND. */
export const rotate = (
  store: ScyllaStore,
  tenant: string,
  webhookId: string,
  secret: string,
  { previousUntil, most, ...options }: CallOptions & { readonly previousUntil: number; readonly most: number },
): Promise<Webhook> =>
  replace(store, tenant, webhookId, options, (before, at) => {
    const previous = before.secrets
      .map((each) => ({ ...each, expiresAt: Math.min(each.expiresAt ?? previousUntil, previousUntil) }))
      .filter(({ expiresAt }) => expiresAt > at);
    const secrets: WebhookSecret[] = [{ secret, createdAt: at, expiresAt: null }, ...previous];
    return { ...before, secrets: secrets.slice(0, most) };
  });

/** Resolves to the deleted webhook; null when it did not exist. */
export const remove = (
  store: ScyllaStore,
  tenant: string,
  webhookId: string,
  options: CallOptions | undefined,
): Promise<StoredWebhook | null> =>
  change<StoredWebhook | null>(store, tenant, options, ({ last, webhooks }) => {
    const existing = webhooks.find((each) => each.webhookId === webhookId);
    if (existing === undefined) return { result: null };
    return { next: { last, webhooks: webhooks.filter((each) => each !== existing) }, result: existing };
  });

export const toWebhook = ({ number: _, era: __, ...webhook }: StoredWebhook): Webhook => webhook;

const replace = (
  store: ScyllaStore,
  tenant: string,
  webhookId: string,
  options: CallOptions | undefined,
  become: (before: StoredWebhook, at: number) => StoredWebhook,
): Promise<Webhook> =>
  change(store, tenant, options, ({ last, webhooks }, at) => {
    const before = find(webhooks, webhookId);
    const wanted = become(before, at);
    if (isDeepStrictEqual(before, wanted)) return { result: toWebhook(before) };
    const after = { ...wanted, updatedAt: Math.max(at, before.updatedAt), version: before.version + 1 };
    const next = { last, webhooks: webhooks.map((each) => (each === before ? after : each)) };
    return { next, result: toWebhook(after) };
  });

function find(webhooks: readonly StoredWebhook[], webhookId: string): StoredWebhook {
  const webhook = webhooks.find((each) => each.webhookId === webhookId);
  if (webhook === undefined) throw new AppError('WEBHOOK_NOT_FOUND');
  return webhook;
}

const change = <Result>(
  { documents, now }: ScyllaStore,
  tenant: string,
  options: CallOptions | undefined,
  decide: (current: WebhooksOfTenant, at: number) => { readonly next?: WebhooksOfTenant; readonly result: Result },
): Promise<Result> =>
  documents.change<WebhooksOfTenant, Result>(
    'webhooks',
    tenant,
    'all',
    (current) => {
      const { next, result } = decide(current ?? { last: 0, webhooks: [] }, now());
      return { next, result };
    },
    options,
  );
