import type { AuditEntry, AuditSubjects, NewAuditEntry } from '../domain/audit-chain.ts';
import type { Page, PageOptions } from './pages.ts';
import type { CallOptions, Tenant } from './tenant.ts';

export type { AuditEntry, AuditSubjects, NewAuditEntry };

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
