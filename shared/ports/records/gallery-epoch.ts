import type { CallOptions, Tenant } from '../tenant.ts';

/** State of a tenant's gallery, as far as recognition goes. */
export interface GalleryEpoch {
  /** Another name after each change. */
  readonly epoch: string;
  /** Milliseconds since the epoch, by the clock of who changed it; null: longer ago than any answer is kept. */
  readonly changedAt: number | null;
}

/** Tells whether the gallery has changed. See: [Note: One store of records] */
export interface GalleryEpochRecords {
  galleryEpoch(tenant: Tenant, options?: CallOptions): Promise<GalleryEpoch>;
  /**
   * Says that the gallery has changed, as when new templates can be found. deletePerson, deleteFace and updatePerson say so by
   * themselves, as part of what they do.
   */
  raiseEpoch(tenant: Tenant, options?: CallOptions): Promise<void>;
}
