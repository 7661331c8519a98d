import type { CallOptions, Tenant } from '../tenant.ts';

/** Identifies a state of a tenant's gallery. Cached search results are valid for one epoch. */
export interface GalleryEpoch {
  /** Opaque; differs after each change. It may also differ without a change. */
  readonly epoch: string;
  /**
   * Time of the last change in milliseconds since the epoch, by the clock of the process that made it. null: longer ago than any
   * result is cached.
   */
  readonly changedAt: number | null;
}

/** Whether the gallery has changed. See: [Note: One store of records] */
export interface GalleryEpochRecords {
  galleryEpoch(tenant: Tenant, options?: CallOptions): Promise<GalleryEpoch>;
  /**
   * Starts a new epoch. The caller does this when new templates can be found. deletePerson, deleteFace and updatePerson start one
   * automatically.
   */
  raiseEpoch(tenant: Tenant, options?: CallOptions): Promise<void>;
}
