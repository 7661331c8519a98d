import type { CallOptions, Tenant } from '../tenant.ts';
import type { Face, Image } from './faces.ts';

/** Images and unknown faces whose retention period has ended. See: [Note: One store of records] */
export interface RetentionRecords {
  /**
   * Images that have not expired and were stored before `before` (milliseconds since the epoch), oldest first. `limit`:
   * 1..1000.
   */
  imagesBefore(tenant: Tenant, before: number, limit: number, options?: CallOptions): Promise<Image[]>;
  /** Faces without a person that were stored before `before` (milliseconds since the epoch), oldest first. `limit`: 1..1000. */
  unknownFacesBefore(tenant: Tenant, before: number, limit: number, options?: CallOptions): Promise<Face[]>;
  /**
   * Marks an image as expired: its `bytes` become 0. Its bytes in the `images` port are not touched. Resolves to the image as it was
   * before; null when it does not exist or has already expired.
   */
  expireImage(tenant: Tenant, imageId: string, options?: CallOptions): Promise<Image | null>;
}
