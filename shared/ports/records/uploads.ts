import type { Page, PageOptions } from '../pages.ts';
import type { CallOptions, Tenant } from '../tenant.ts';

/** A file of the bucket or the watched folder that has been seen to. */
export interface Upload {
  /** Follows from its path, which may name people and is not kept. */
  readonly uploadId: string;
  /** Of the file's contents, as the `uploads` port has it. */
  readonly version: string;
  readonly jobId: string;
  readonly imageId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What is known of uploaded files. See: [Note: One store of records] */
export interface UploadRecords {
  getUpload(tenant: Tenant, uploadId: string, options?: CallOptions): Promise<Upload | null>;
  /**
   * Replaces what was there. Errors: VERSION_CONFLICT when `over` is given, null for none, and what is there is neither that nor the
   * same already, by version and job.
   */
  saveUpload(
    tenant: Tenant,
    upload: Upload,
    options?: CallOptions & { readonly over?: Upload | null | undefined },
  ): Promise<void>;
  /** Resolves to whether there was one. */
  deleteUpload(tenant: Tenant, uploadId: string, options?: CallOptions): Promise<boolean>;
  /** Oldest first; one that is replaced meanwhile may come twice. */
  listUploads(
    tenant: Tenant,
    filter: { readonly imageId?: string | undefined },
    options: PageOptions,
  ): Promise<Page<Upload>>;
}
