import type { CallOptions, Tenant } from '../tenant.ts';

/** How much a tenant has stored. */
export interface Usage {
  readonly persons: number;
  readonly faces: number;
  /** Sum of the `bytes` of all images. */
  readonly bytes: number;
}

/** Which tenants have rows, and how many. See: [Note: One store of records] */
export interface UsageRecords {
  /**
   * The cost does not grow with the number of rows. The result may lag some seconds behind when a tenant writes very many rows in a
   * day.
   */
  usage(tenant: Tenant, options?: CallOptions): Promise<Usage>;
  /** Number of faces without a person. Reads only these faces. The result may lag behind as that of `usage`. */
  countUnknownFaces(tenant: Tenant, options?: CallOptions): Promise<number>;
  /** Tenants that have a person, an image or a job. */
  tenants(options?: CallOptions): Promise<Tenant[]>;
}
