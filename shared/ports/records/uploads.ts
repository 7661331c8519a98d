import type { Page, PageOptions } from '../pages.ts';
import type { CallOptions, Tenant } from '../tenant.ts';

/** The state of one file of the bucket or the watched folder. */
export interface Upload {
  /** Derived from the path. The path itself is not stored, because it may contain names of persons. */
  readonly uploadId: string;
  /** Version of the contents, as the `uploads` port returns it. */
  readonly version: string;
  readonly jobId: string;
  readonly imageId: string;
  /** Milliseconds since the epoch; the order of listUploads. */
  readonly at: number;
}

/** The state of the files that clients uploaded. See: [Note: One store of records] */
export interface UploadRecords {
  /** null when no state is stored. */
  getUpload(tenant: Tenant, uploadId: string, options?: CallOptions): Promise<Upload | null>;
  /**
   * Replaces the stored state. With `over`, only when the stored state is `over` (null: none is stored) or already equals `upload`;
   * version and job are compared. Otherwise VERSION_CONFLICT.
   */
  saveUpload(
    tenant: Tenant,
    upload: Upload,
    options?: CallOptions & { readonly over?: Upload | null | undefined },
  ): Promise<void>;
  /** Resolves to whether a state was stored. */
  deleteUpload(tenant: Tenant, uploadId: string, options?: CallOptions): Promise<boolean>;
  /** Oldest first. A state that is replaced during the listing may be returned twice. */
  listUploads(
    tenant: Tenant,
    filter: { readonly imageId?: string | undefined },
    options: PageOptions,
  ): Promise<Page<Upload>>;
}
