import type { CallOptions, Tenant } from '../tenant.ts';
import type { Face, Image } from './faces.ts';

/** Images and faces whose time of retention is over. See: [Note: One store of records] */
export interface RetentionRecords {
  /** Images not expired that were stored before a time (milliseconds since the epoch), oldest first; `limit`: 1..1000. */
  imagesBefore(tenant: Tenant, before: number, limit: number, options?: CallOptions): Promise<Image[]>;
  /** Faces of nobody that were enrolled before a time, oldest first; `limit`: 1..1000. */
  unknownFacesBefore(tenant: Tenant, before: number, limit: number, options?: CallOptions): Promise<Face[]>;
  /** Says that an image's bytes are given up. The image as it was; null when there is none or it has expired already. */
  expireImage(tenant: Tenant, imageId: string, options?: CallOptions): Promise<Image | null>;
}
