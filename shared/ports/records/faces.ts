import type { DetectedFace, Location } from '../../domain/face.ts';
import type { Page, PageOptions } from '../pages.ts';
import type { CallOptions, Tenant } from '../tenant.ts';

export interface Face extends DetectedFace {
  readonly faceId: string;
  /** null: an unknown face. */
  readonly personId: string | null;
  readonly imageId: string;
  readonly pack: string;
  readonly space: string;
  /** When the photo was taken, in milliseconds since the epoch; null when unknown. */
  readonly capturedAt: number | null;
  readonly location: Location | null;
  readonly sourceId: string | null;
  /** Calibrated similarity with which auto_associate chose the person; null when a client named the person. */
  readonly similarity: number | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}
export type NewFace = Omit<Face, 'createdAt' | 'imageId'>;

export interface Image {
  readonly imageId: string;
  /** SHA-256 of the bytes, hex. */
  readonly digest: string;
  /** Key of the bytes in the `images` port. */
  readonly blobKey: string;
  readonly contentType: string;
  /** Size of the file in bytes; 0 after the image has expired. */
  readonly bytes: number;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** When the photo was taken, in milliseconds since the epoch; null when unknown. */
  readonly capturedAt: number | null;
  readonly location: Location | null;
  readonly sourceId: string | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** When the retention period of the bytes ended; the bytes are deleted for good. null: the bytes exist. */
  readonly expiredAt: number | null;
}
export type NewImage = Omit<Image, 'createdAt' | 'expiredAt'>;

/** Faces and their images. See: [Note: One store of records] */
export interface FaceRecords {
  /** In no particular order; unknown ids are skipped. At most 1000 ids. */
  getFaces(tenant: Tenant, faceIds: readonly string[], options?: CallOptions): Promise<Face[]>;
  /** Faces that match all given ids, newest first. */
  listFaces(tenant: Tenant, filter: { personId?: string; imageId?: string }, options: PageOptions): Promise<Page<Face>>;
  /** null when the image does not exist. */
  getImage(tenant: Tenant, imageId: string, options?: CallOptions): Promise<Image | null>;
  /** Oldest first. */
  listImages(tenant: Tenant, options: PageOptions): Promise<Page<Image>>;
}
