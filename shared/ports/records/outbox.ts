import type { Event } from '../events.ts';
import type { CallOptions } from '../tenant.ts';

export interface OutboxEntry {
  readonly topic: string;
  readonly event: Event;
}
/** Options of a write. The events of `outbox` are written together with the row, or not at all. */
export interface WriteOptions extends CallOptions {
  readonly outbox?: readonly OutboxEntry[] | undefined;
}

/** Outbox: events that are written together with rows and published later. See: [Note: One store of records] */
export interface OutboxRecords {
  /**
   * The oldest `limit` events that are written but not yet settled. Everything that was written together with them survives a power
   * cut.
   */
  pendingOutbox(limit: number, options?: CallOptions): Promise<{ id: string; entry: OutboxEntry }[]>;
  /** Removes events from the outbox after they were published. Unknown ids are ignored. */
  settleOutbox(ids: readonly string[], options?: CallOptions): Promise<void>;
}
