import type { DetectedFace, Location } from '../../domain/face.ts';
import type { Page, PageOptions } from '../pages.ts';
import type { CallOptions, Tenant } from '../tenant.ts';

export interface Face extends DetectedFace {
  readonly faceId: string;
  readonly personId: string | null;
  readonly imageId: string;
  readonly pack: string;
  readonly space: string;
  /** Milliseconds since the epoch; when the photo was taken. */
  readonly capturedAt: number | null;
  readonly location: Location | null;
  readonly sourceId: string | null;
  /** Calibrated similarity at which auto_associate joined it; null when a client named the person. */
  readonly similarity: number | null;
  readonly createdAt: number;
}
export type NewFace = Omit<Face, 'createdAt' | 'imageId'>;

export interface Image {
  readonly imageId: string;
  /** SHA-256 of the bytes, hex. */
  readonly digest: string;
  /** Key in the images port. */
  readonly blobKey: string;
  readonly contentType: string;
  /** 0 once it has expired. */
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
  readonly capturedAt: number | null;
  readonly location: Location | null;
  readonly sourceId: string | null;
  readonly createdAt: number;
  /** When its bytes were given up because their time of retention was over; they do not come back. null: they are there. */
  readonly expiredAt: number | null;
}
export type NewImage = Omit<Image, 'createdAt' | 'expiredAt'>;

/** Faces and the images that they are on. See: [Note: One store of records] */
export interface FaceRecords {
  /** In no particular order; unknown ids are left out. At most 1000 ids. */
  getFaces(tenant: Tenant, faceIds: readonly string[], options?: CallOptions): Promise<Face[]>;
  /** Newest first. */
  listFaces(tenant: Tenant, filter: { personId?: string; imageId?: string }, options: PageOptions): Promise<Page<Face>>;
  getImage(tenant: Tenant, imageId: string, options?: CallOptions): Promise<Image | null>;
  /** Oldest first. */
  listImages(tenant: Tenant, options: PageOptions): Promise<Page<Image>>;
}
