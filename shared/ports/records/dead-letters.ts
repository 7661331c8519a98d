import type { Event } from '../events.ts';
import type { Page, PageOptions } from '../pages.ts';
import type { CallOptions, Tenant } from '../tenant.ts';
import type { WriteOptions } from './outbox.ts';

/** An event that was given up. */
export interface StoredDeadLetter {
  /** Follows from the event and the group, so that the same failure again is the same letter. */
  readonly deadLetterId: string;
  readonly event: Event;
  readonly type: string;
  /** null: whoever gave it up did not say. The same of the next four. */
  readonly topic: string | null;
  /** Who was to handle it. */
  readonly group: string | null;
  /** How the last attempt was answered. */
  readonly status: number | null;
  readonly reason: string | null;
  readonly attempts: number | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
}
export interface DeadLetterFilter {
  readonly type?: string | undefined;
  readonly reason?: string | undefined;
}

/** Dead letters. See: [Note: One store of records] */
export interface DeadLetterRecords {
  /** Replaces the letter of the same id. */
  saveDeadLetter(tenant: Tenant, letter: StoredDeadLetter, options?: CallOptions): Promise<void>;
  getDeadLetter(tenant: Tenant, deadLetterId: string, options?: CallOptions): Promise<StoredDeadLetter | null>;
  /** Newest first. */
  listDeadLetters(tenant: Tenant, filter: DeadLetterFilter, options: PageOptions): Promise<Page<StoredDeadLetter>>;
  /** Resolves to whether there was one; then the outbox's events go out. */
  removeDeadLetter(tenant: Tenant, deadLetterId: string, options?: WriteOptions): Promise<boolean>;
  /** Removes at most `limit` letters of all tenants that are older; resolves to how many. */
  expireDeadLetters(before: number, limit: number, options?: CallOptions): Promise<number>;
}
