import type { CallOptions, Tenant } from '../tenant.ts';

/** How much a tenant holds. */
export interface Usage {
  readonly persons: number;
  readonly faces: number;
  /** Of images. */
  readonly bytes: number;
}

/** Which tenants have rows, and how many. See: [Note: One store of records] */
export interface UsageRecords {
  /** Costs the same however much a tenant holds. */
  usage(tenant: Tenant, options?: CallOptions): Promise<Usage>;
  /** Faces without a person. Counted from a list of them alone; may lag behind where usage may. */
  countUnknownFaces(tenant: Tenant, options?: CallOptions): Promise<number>;
  /** Tenants that have rows. */
  tenants(options?: CallOptions): Promise<Tenant[]>;
}
