import type { CallOptions, Tenant } from './tenant.ts';

/** A file that a client put into the bucket or the watched folder. */
export interface UploadedFile {
  /** Changes when the file is written again. */
  readonly version: string;
  readonly bytes: number;
  /** `x-amz-meta-…` of an object, in lower case and without the prefix; empty for a file of a folder. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface UploadListing {
  readonly tenant: Tenant;
  readonly path: string;
  /** null: the file is still growing. */
  readonly version: string | null;
}

/**
 * Reads the files that clients upload for enrolment. The port never writes or deletes a file. `path` is relative to the tenant's
 * part. Errors: AppError STORE_UNAVAILABLE, also when the whole bucket or folder is missing. So a missing bucket is not mistaken for
 * deleted files.
 */
export interface Uploads {
  /** false: neither a bucket nor a folder is configured, and every other call finds no file. */
  readonly enabled: boolean;
  /** null when the file does not exist, belongs to another tenant, or `path` leads out of the tenant's part. */
  find(tenant: Tenant, path: string, options?: CallOptions): Promise<UploadedFile | null>;
  /** The file and its bytes, both of the same version. null as for `find`. Errors: IMAGE_TOO_LARGE above `most` bytes. */
  read(
    tenant: Tenant,
    path: string,
    options: CallOptions & { readonly most: number },
  ): Promise<{ readonly file: UploadedFile; readonly bytes: Uint8Array } | null>;
  /** Every file of every tenant, in no particular order. */
  files(options?: CallOptions): AsyncIterable<UploadListing>;
  /**
   * Calls `changed` when a file is added, changed or deleted, after it has stopped growing. It may miss a change or report it twice.
   * Resolves when the watch has started; the returned function stops it. Does nothing for a bucket, which sends its own events.
   */
  watch(changed: (tenant: Tenant, path: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}
