import type { Event } from '../events.ts';
import type { CallOptions } from '../tenant.ts';

export interface OutboxEntry {
  readonly topic: string;
  readonly event: Event;
}
/** Events that become durable together with the row, or not at all. */
export interface WriteOptions extends CallOptions {
  readonly outbox?: readonly OutboxEntry[] | undefined;
}

/** Events that are written together with rows and published later. See: [Note: One store of records] */
export interface OutboxRecords {
  /** Oldest events that are written but not yet published. */
  pendingOutbox(limit: number, options?: CallOptions): Promise<{ id: string; entry: OutboxEntry }[]>;
  /** Forgets published ones. */
  settleOutbox(ids: readonly string[], options?: CallOptions): Promise<void>;
}
