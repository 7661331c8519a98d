import type { MessageType, WebhookType } from '../domain/webhooks.ts';
import type { Page, PageOptions } from './pages.ts';
import type { CallOptions, Tenant } from './tenant.ts';

export interface WebhookSecret {
  /** `whsec_…` */
  readonly secret: string;
  readonly createdAt: number;
  /** null: the one that is good now. */
  readonly expiresAt: number | null;
}

export interface Webhook {
  readonly webhookId: string;
  /** null: every message brings its own. */
  readonly url: string | null;
  /** For people to read. */
  readonly description: string;
  readonly types: readonly WebhookType[];
  /** Newest first; the first is the one that is good now. */
  readonly secrets: readonly WebhookSecret[];
  /** Why nothing is sent: somebody wanted it, or the receiver said that it is gone. null: it is in use. */
  readonly disabled: 'asked' | 'gone' | null;
  /** `user:…` or `key:…`; null: the platform itself. */
  readonly createdBy: string | null;
  /** Milliseconds since the epoch, as every time here. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly version: number;
}
export type NewWebhook = Pick<Webhook, 'webhookId' | 'url' | 'description' | 'types' | 'createdBy'> & {
  readonly secret: string;
};
export type WebhookChanges = Partial<Pick<Webhook, 'url' | 'description' | 'types' | 'disabled'>>;

export const messageStatuses = ['pending', 'delivered', 'dead'] as const;
/** dead: given up, until somebody wants it delivered again. */
export type MessageStatus = (typeof messageStatuses)[number];

export interface Attempt {
  /** From 1. */
  readonly number: number;
  readonly at: number;
  /** HTTP status; null: there was no answer. */
  readonly status: number | null;
  readonly durationMs: number;
  /** What went wrong, in a word; null: nothing. */
  readonly error: string | null;
}

export interface WebhookMessage {
  /** The same for the same event and webhook; the receiver knows a repetition by it. */
  readonly messageId: string;
  readonly webhookId: string;
  /** Messages of a queue are sent one after another. */
  readonly queue: string;
  readonly type: MessageType;
  /** Where it goes; null: to its webhook's. */
  readonly url: string | null;
  /** JSON, exactly as it is sent. */
  readonly payload: string;
  readonly status: MessageStatus;
  readonly acceptedAt: number;
  /** The first attempt, or the first since somebody wanted it again. */
  readonly scheduledAt: number;
  /** The next attempt; null when there is none. */
  readonly dueAt: number | null;
  /** Attempts since `scheduledAt`. */
  readonly tries: number;
}
export type NewMessage = Pick<WebhookMessage, 'messageId' | 'webhookId' | 'queue' | 'type' | 'url' | 'payload'>;
export type LoggedMessage = WebhookMessage & {
  /** Oldest first. */
  readonly attempts: readonly Attempt[];
};

/** How a message goes on. */
export type Verdict =
  | { readonly status: 'delivered' | 'dead' }
  | { readonly status: 'pending'; readonly dueAt: number };

export interface Queue {
  readonly tenant: Tenant;
  readonly queue: string;
}

/**
 * Webhooks, and what is on its way to them. What a resolved write has done is seen by every later read and survives a crash.
 *
 * [Note: Turns of a queue]
 * Nobody waits for a message to fall due: its time stands in the store. A queue with something due is called for, once, by whoever
 * puts the message in (`addMessages`), by the turn before (`endTurn`), or by whoever looks from time to time (`callDue`). A turn is
 * taken by one alone and lost when nothing is heard of it for a while. So a receiver is called by one at a time, slow ones take one
 * place among many, and a crash delays.
 *
 * Errors (AppError): WEBHOOK_NOT_FOUND, DELIVERY_NOT_FOUND, QUOTA_EXCEEDED, VERSION_CONFLICT, PAGE_TOKEN_INVALID, STORE_UNAVAILABLE.
 */
export interface Webhooks {
  /** The one that is there when there is one with this id. Errors: QUOTA_EXCEEDED when the tenant has `most`. */
  createWebhook(
    tenant: Tenant,
    webhook: NewWebhook,
    options: CallOptions & { readonly most: number },
  ): Promise<Webhook>;
  getWebhook(tenant: Tenant, webhookId: string, options?: CallOptions): Promise<Webhook | null>;
  /** Oldest first. */
  listWebhooks(tenant: Tenant, options: PageOptions): Promise<Page<Webhook>>;
  /** Those in use that ask for `type`. */
  webhooksFor(tenant: Tenant, type: WebhookType, options?: CallOptions): Promise<Webhook[]>;
  /** Errors: WEBHOOK_NOT_FOUND, VERSION_CONFLICT. */
  updateWebhook(
    tenant: Tenant,
    webhookId: string,
    changes: WebhookChanges,
    options?: CallOptions & { readonly version?: number | undefined },
  ): Promise<Webhook>;
  /** A new secret; those before are good until `previousUntil`, the newest `most` in all. Errors: WEBHOOK_NOT_FOUND. */
  rotateSecret(
    tenant: Tenant,
    webhookId: string,
    secret: string,
    options: CallOptions & { readonly previousUntil: number; readonly most: number },
  ): Promise<Webhook>;
  /** With all messages. Resolves to whether there was one. */
  deleteWebhook(tenant: Tenant, webhookId: string, options?: CallOptions): Promise<boolean>;

  /** Those that are there already change nothing; those of a webhook that is not there are dropped. Resolves to queues to be called for. */
  addMessages(
    tenant: Tenant,
    messages: readonly NewMessage[],
    options: CallOptions & { readonly quietMs: number },
  ): Promise<string[]>;
  /** A message whose one attempt is made. Errors: WEBHOOK_NOT_FOUND. */
  addTried(
    tenant: Tenant,
    message: NewMessage,
    attempt: Omit<Attempt, 'number'>,
    verdict: Verdict,
    options?: CallOptions,
  ): Promise<LoggedMessage>;
  getMessage(tenant: Tenant, messageId: string, options?: CallOptions): Promise<LoggedMessage | null>;
  /** Newest first. Errors: WEBHOOK_NOT_FOUND. */
  listMessages(
    tenant: Tenant,
    webhookId: string,
    options: PageOptions & { readonly status?: MessageStatus | undefined },
  ): Promise<Page<LoggedMessage>>;
  /** From the start, whatever became of it. `call`: whether its queue is to be called for. Errors: DELIVERY_NOT_FOUND. */
  redeliver(
    tenant: Tenant,
    webhookId: string,
    messageId: string,
    options: CallOptions & { readonly quietMs: number },
  ): Promise<{ readonly message: LoggedMessage; readonly call: boolean }>;

  /** Takes the turn of a queue. false: somebody has it, it is to rest, or `mostOfTenant` turns of the tenant are under way. */
  beginTurn(
    { tenant, queue }: Queue,
    turn: string,
    options: CallOptions & { readonly leaseMs: number; readonly mostOfTenant: number },
  ): Promise<boolean>;
  /** What is due first, and to whom; keeps the turn. null: nothing is due, or the turn is lost. */
  nextMessage(
    { tenant, queue }: Queue,
    turn: string,
    options: CallOptions & { readonly leaseMs: number },
  ): Promise<{ readonly message: WebhookMessage; readonly webhook: Webhook } | null>;
  /** Writes down an attempt, null when none was made, and how it goes on. Nothing when the message was removed meanwhile. */
  settle(
    tenant: Tenant,
    messageId: string,
    attempt: Omit<Attempt, 'number'> | null,
    verdict: Verdict,
    options?: CallOptions,
  ): Promise<void>;
  /** `restUntil`: nothing is sent before. Resolves to whether the queue is to be called for again. */
  endTurn(
    { tenant, queue }: Queue,
    turn: string,
    options: CallOptions & { readonly restUntil?: number | undefined; readonly quietMs: number },
  ): Promise<boolean>;
  /** Queues with something due that nobody has been called for, of all tenants. */
  callDue(options: CallOptions & { readonly limit: number; readonly quietMs: number }): Promise<Queue[]>;
  /** Gives up what waits since before `giveUpBefore`; removes what is done with and was accepted before `removeBefore`. */
  clearAway(
    options: CallOptions & { readonly giveUpBefore: number; readonly removeBefore: number },
  ): Promise<{ readonly givenUp: number; readonly removed: number }>;
  /** Of all tenants. */
  pending(options?: CallOptions): Promise<{ readonly messages: number; readonly oldestAt: number | null }>;
  close(): Promise<void>;
}
