import type { Event } from '../events.ts';
import type { Page, PageOptions } from '../pages.ts';
import type { CallOptions, Tenant } from '../tenant.ts';
import type { WriteOptions } from './outbox.ts';

/** An event whose delivery has failed for good. */
export interface StoredDeadLetter {
  /** Derived from the event and the group, so that a repeated failure replaces its letter. */
  readonly deadLetterId: string;
  readonly event: Event;
  readonly type: string;
  /** null: the broker did not report it. The same applies to the next four fields. */
  readonly topic: string | null;
  /** The subscriber that should have handled the event. */
  readonly group: string | null;
  /** HTTP status of the last attempt. */
  readonly status: number | null;
  readonly reason: string | null;
  readonly attempts: number | null;
  /**
   * When the delivery was given up, in milliseconds since the epoch; when the letter was stored if the broker did not
   * report it.
   */
  readonly at: number;
}
export interface DeadLetterFilter {
  readonly type?: string | undefined;
  readonly reason?: string | undefined;
}

/** Dead letters: events whose delivery has failed for good. See: [Note: One store of records] */
export interface DeadLetterRecords {
  /** Replaces a letter that has the same id. */
  saveDeadLetter(tenant: Tenant, letter: StoredDeadLetter, options?: CallOptions): Promise<void>;
  /** null when the tenant has no such letter. */
  getDeadLetter(tenant: Tenant, deadLetterId: string, options?: CallOptions): Promise<StoredDeadLetter | null>;
  /** Newest first. */
  listDeadLetters(tenant: Tenant, filter: DeadLetterFilter, options: PageOptions): Promise<Page<StoredDeadLetter>>;
  /** Resolves to whether the letter existed. Only then are the events of the outbox written. */
  removeDeadLetter(tenant: Tenant, deadLetterId: string, options?: WriteOptions): Promise<boolean>;
  /**
   * Deletes at most `limit` letters of all tenants whose `at` is less than `before` (milliseconds since the epoch). Resolves to their
   * number.
   */
  expireDeadLetters(before: number, limit: number, options?: CallOptions): Promise<number>;
}
