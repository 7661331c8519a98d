import type { AuditEntry, AuditSubjects, NewAuditEntry } from '../domain/audit-chain.ts';
import type { Page, PageOptions } from './pages.ts';
import type { CallOptions, Tenant } from './tenant.ts';

export type { AuditEntry, AuditSubjects, NewAuditEntry };

/** Selects entries. An entry must meet all conditions. */
export interface AuditFilter {
  /** `user:…`, `key:…` and so on, as in the entry. */
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly personId?: string | undefined;
  readonly faceId?: string | undefined;
  readonly imageId?: string | undefined;
  readonly requestId?: string | undefined;
  /** Milliseconds since the epoch, inclusive. */
  readonly from?: number | undefined;
  /** Milliseconds since the epoch, exclusive. */
  readonly to?: number | undefined;
}

/** The audit log. It is append-only: no method changes or deletes an entry. */
export interface Audit {
  /**
   * Appends an entry to its chain. When it resolves, the entry survives a crash of the process; with `durable`, also a power cut. The
   * entries of a tenant that one process appends are chained in the order of the calls. Resolves to the entry as stored and hashed.
   */
  append(
    tenant: Tenant,
    entry: NewAuditEntry,
    options?: CallOptions & { readonly durable?: boolean },
  ): Promise<AuditEntry>;
  /** Newest first. Errors: PAGE_TOKEN_INVALID. */
  list(tenant: Tenant, filter: AuditFilter, options: PageOptions): Promise<Page<AuditEntry>>;
  /** The entries of all chains of a tenant, each chain from its first entry to its last. */
  chains(tenant: Tenant, options?: CallOptions): AsyncIterable<AuditEntry>;
  /** Tenants that have entries. */
  tenants(options?: CallOptions): Promise<Tenant[]>;
  close(): Promise<void>;
}
