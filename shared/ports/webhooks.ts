import type { MessageType, WebhookType } from '../domain/webhooks.ts';
import type { Page, PageOptions } from './pages.ts';
import type { CallOptions, Tenant } from './tenant.ts';

export interface WebhookSecret {
  /** `whsec_…`. */
  readonly secret: string;
  /** Milliseconds since the epoch, like all times in this file. */
  readonly createdAt: number;
  /** null: the current secret. */
  readonly expiresAt: number | null;
}

export interface Webhook {
  readonly webhookId: string;
  /** null: each message has its own URL. */
  readonly url: string | null;
  /** Text for people. */
  readonly description: string;
  readonly types: readonly WebhookType[];
  /** Newest first. The first one is the current secret. */
  readonly secrets: readonly WebhookSecret[];
  /**
   * Why nothing is sent. `asked`: a caller disabled the webhook. `gone`: the receiver responded that it no longer
   * exists. null: it is in use.
   */
  readonly disabled: 'asked' | 'gone' | null;
  /** The creator, `user:…` or `key:…`; null: the platform itself. */
  readonly createdBy: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Starts at 1; each change adds 1. */
  readonly version: number;
}
export type NewWebhook = Pick<Webhook, 'webhookId' | 'url' | 'description' | 'types' | 'createdBy'> & {
  readonly secret: string;
};
export type WebhookChanges = Partial<Pick<Webhook, 'url' | 'description' | 'types' | 'disabled'>>;

export const messageStatuses = ['pending', 'delivered', 'dead'] as const;
/** `dead`: delivery has failed for good, unless a caller asks for it again (`redeliver`). */
export type MessageStatus = (typeof messageStatuses)[number];

export interface Attempt {
  /** Counts from 1. */
  readonly number: number;
  readonly at: number;
  /** HTTP status; null: no response. */
  readonly status: number | null;
  readonly durationMs: number;
  /** Short description of the error; null: the attempt succeeded. */
  readonly error: string | null;
}

export interface WebhookMessage {
  /** The same for the same event and webhook, so that the receiver can detect a repetition. */
  readonly messageId: string;
  readonly webhookId: string;
  /** Messages of one queue are sent one after another. */
  readonly queue: string;
  readonly type: MessageType;
  /** Target URL; null: the URL of the webhook. */
  readonly url: string | null;
  /** JSON, sent without a change. */
  readonly payload: string;
  readonly status: MessageStatus;
  readonly acceptedAt: number;
  /** Time of acceptance, or of the latest `redeliver`. */
  readonly scheduledAt: number;
  /** Time of the next attempt; null when none is planned. */
  readonly dueAt: number | null;
  /** Number of attempts since `scheduledAt`. */
  readonly tries: number;
}
export type NewMessage = Pick<WebhookMessage, 'messageId' | 'webhookId' | 'queue' | 'type' | 'url' | 'payload'>;
export type LoggedMessage = WebhookMessage & {
  /** Oldest first. */
  readonly attempts: readonly Attempt[];
};

/** State of a message after an attempt. */
export type Verdict =
  | { readonly status: 'delivered' | 'dead' }
  | { readonly status: 'pending'; readonly dueAt: number };

/** A queue of messages of one tenant. */
export interface Queue {
  readonly tenant: Tenant;
  readonly queue: string;
}

/**
 * Webhooks and the messages to them. A resolved write is visible to every later read and survives a crash.
 *
 * [Note: Turns of a queue]
 * No process waits until a message is due: the due time is in the store. When a queue has a due message, one worker is called for it. The
 * call comes from `addMessages` (a new message), from `endTurn` (the turn before) or from `callDue` (a periodic check). The store
 * marks the queue as called, so that only one of them calls. The mark expires after `quietMs`, in case the call is lost. The worker
 * takes a turn, which is a lease: one worker has it, and it expires `leaseMs` after its last sign of life. So a receiver gets one request
 * at a time, a slow receiver occupies one worker only, and a crash only delays messages.
 *
 * Errors (AppError): WEBHOOK_NOT_FOUND, DELIVERY_NOT_FOUND, QUOTA_EXCEEDED, VERSION_CONFLICT, PAGE_TOKEN_INVALID, STORE_UNAVAILABLE.
 */
export interface Webhooks {
  /**
   * Creates a webhook. When one with this id exists, it is returned unchanged. Errors: QUOTA_EXCEEDED when the tenant
   * already has `most`.
   */
  createWebhook(
    tenant: Tenant,
    webhook: NewWebhook,
    options: CallOptions & { readonly most: number },
  ): Promise<Webhook>;
  /** null when the webhook does not exist. */
  getWebhook(tenant: Tenant, webhookId: string, options?: CallOptions): Promise<Webhook | null>;
  /** Oldest first. */
  listWebhooks(tenant: Tenant, options: PageOptions): Promise<Page<Webhook>>;
  /** Webhooks of the tenant that are in use and subscribe to `type`. */
  webhooksFor(tenant: Tenant, type: WebhookType, options?: CallOptions): Promise<Webhook[]>;
  /**
   * Changes the given fields only. Errors: WEBHOOK_NOT_FOUND, VERSION_CONFLICT when `version` is given and is not the stored version.
   */
  updateWebhook(
    tenant: Tenant,
    webhookId: string,
    changes: WebhookChanges,
    options?: CallOptions & { readonly version?: number | undefined },
  ): Promise<Webhook>;
  /**
   * Adds a new current secret. The earlier ones expire at `previousUntil`, or earlier if they already did. Only the newest `most` secrets
   * are kept, the new one included. Errors: WEBHOOK_NOT_FOUND.
   */
  rotateSecret(
    tenant: Tenant,
    webhookId: string,
    secret: string,
    options: CallOptions & { readonly previousUntil: number; readonly most: number },
  ): Promise<Webhook>;
  /** Deletes the webhook with all messages. Resolves to whether it existed. */
  deleteWebhook(tenant: Tenant, webhookId: string, options?: CallOptions): Promise<boolean>;

  /**
   * Adds messages. A message that exists changes nothing. A message of a webhook that does not exist is dropped. Resolves to the queues
   * for which the caller must call a worker.
   */
  addMessages(
    tenant: Tenant,
    messages: readonly NewMessage[],
    options: CallOptions & { readonly quietMs: number },
  ): Promise<string[]>;
  /** Adds a message together with its first attempt, which the caller has already made. Errors: WEBHOOK_NOT_FOUND. */
  addTried(
    tenant: Tenant,
    message: NewMessage,
    attempt: Omit<Attempt, 'number'>,
    verdict: Verdict,
    options?: CallOptions,
  ): Promise<LoggedMessage>;
  /** null when the message does not exist. */
  getMessage(tenant: Tenant, messageId: string, options?: CallOptions): Promise<LoggedMessage | null>;
  /** Newest first. Errors: WEBHOOK_NOT_FOUND. */
  listMessages(
    tenant: Tenant,
    webhookId: string,
    options: PageOptions & { readonly status?: MessageStatus | undefined },
  ): Promise<Page<LoggedMessage>>;
  /**
   * Sends a message again from the start, in any status. `call`: whether the caller must call a worker for its queue.
   * Errors: DELIVERY_NOT_FOUND.
   */
  redeliver(
    tenant: Tenant,
    webhookId: string,
    messageId: string,
    options: CallOptions & { readonly quietMs: number },
  ): Promise<{ readonly message: LoggedMessage; readonly call: boolean }>;

  /**
   * Takes the turn of a queue. false: another worker has it, the queue is resting, or the tenant already has
   * `mostOfTenant` turns.
   */
  beginTurn(
    { tenant, queue }: Queue,
    turn: string,
    options: CallOptions & { readonly leaseMs: number; readonly mostOfTenant: number },
  ): Promise<boolean>;
  /**
   * The message that is due first, and its webhook. Also renews the lease of the turn. null: no message is due, or the
   * turn is lost.
   */
  nextMessage(
    { tenant, queue }: Queue,
    turn: string,
    options: CallOptions & { readonly leaseMs: number },
  ): Promise<{ readonly message: WebhookMessage; readonly webhook: Webhook } | null>;
  /** Stores an attempt (null: none was made) and the state after it. Does nothing when the message no longer exists. */
  settle(
    tenant: Tenant,
    messageId: string,
    attempt: Omit<Attempt, 'number'> | null,
    verdict: Verdict,
    options?: CallOptions,
  ): Promise<void>;
  /**
   * Ends a turn. Nothing is sent before `restUntil`. Resolves to whether the caller must call a worker for the queue
   * again; false when the turn is lost.
   */
  endTurn(
    { tenant, queue }: Queue,
    turn: string,
    options: CallOptions & { readonly restUntil?: number | undefined; readonly quietMs: number },
  ): Promise<boolean>;
  /**
   * At most `limit` queues of all tenants that have a due message and for which no worker was called. The caller must
   * call a worker for each.
   */
  callDue(options: CallOptions & { readonly limit: number; readonly quietMs: number }): Promise<Queue[]>;
  /**
   * Sets pending messages to `dead` that were scheduled before `giveUpBefore`. Deletes delivered and dead messages that were accepted
   * before `removeBefore`. Of all tenants.
   */
  clearAway(
    options: CallOptions & { readonly giveUpBefore: number; readonly removeBefore: number },
  ): Promise<{ readonly givenUp: number; readonly removed: number }>;
  /** Number of pending messages of all tenants, and the oldest `scheduledAt`; null when there are none. */
  pending(options?: CallOptions): Promise<{ readonly messages: number; readonly oldestAt: number | null }>;
  close(): Promise<void>;
}
