import type { Page, PageOptions } from './records.ts';
import type { CallOptions, Tenant } from './tenant.ts';

/** Ids that an answer spoke of, at most 100 of each kind; `more` counts the rest. */
export interface AuditSubjects {
  readonly persons: readonly string[];
  readonly faces: readonly string[];
  readonly images: readonly string[];
  readonly more: number;
}

export interface NewAuditEntry {
  /** Name of the function that was called, or of a cron function. */
  readonly action: string;
  /** `user:…`, `key:…`, `outside:…`, `system`; null: it was not known who called. */
  readonly actor: string | null;
  /** Name of the actor, for people to read. */
  readonly actorName: string | null;
  readonly subjects: AuditSubjects;
  /** HTTP status of the answer; 200 for what the platform did by itself. */
  readonly status: number;
  /** Error code, null when it succeeded. */
  readonly code: string | null;
  /** Where the call came from; null: from inside. */
  readonly address: string | null;
  readonly requestId: string;
  /** What else there is to know, such as what an erasure removed. No names, no image bytes, no secrets. */
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

/**
 * An entry as it stands in a chain. `hash` is SHA-256 over `previous` and the entry's canonical JSON (see shared/domain/audit-chain.ts),
 * so that a changed, removed or inserted entry breaks everything after it.
 */
export interface AuditEntry extends NewAuditEntry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** One writer's chain; each begins at sequence 1. */
  readonly chain: string;
  readonly sequence: number;
  /** Hash of the entry before, hex; 64 zeros for the first. */
  readonly previous: string;
  readonly hash: string;
}

export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly personId?: string | undefined;
  readonly faceId?: string | undefined;
  readonly imageId?: string | undefined;
  readonly requestId?: string | undefined;
  /** Milliseconds since the epoch, inclusive. */
  readonly from?: number | undefined;
  /** Exclusive. */
  readonly to?: number | undefined;
}

/** Append-only: nothing here changes or removes an entry. */
export interface Audit {
  /**
   * Resolves when the entry is part of its chain and survives a crash of the process; with `durable`, also a power cut. Entries of one
   * tenant are chained in the order of their appending.
   */
  append(
    tenant: Tenant,
    entry: NewAuditEntry,
    options?: CallOptions & { readonly durable?: boolean },
  ): Promise<AuditEntry>;
  /** Newest first. Errors: PAGE_TOKEN_INVALID. */
  list(tenant: Tenant, filter: AuditFilter, options: PageOptions): Promise<Page<AuditEntry>>;
  /** A tenant's chains, each from its first entry to its last, as they are stored. */
  chains(tenant: Tenant, options?: CallOptions): AsyncIterable<AuditEntry>;
  tenants(options?: CallOptions): Promise<Tenant[]>;
  close(): Promise<void>;
}
