import type { CallOptions, Tenant } from './tenant.ts';

/** A file that somebody put into the bucket or the watched folder. */
export interface UploadedFile {
  /** Another one after the file was put again. */
  readonly version: string;
  readonly bytes: number;
  /** `x-amz-meta-…` of an object, in lower case and without the prefix. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface UploadListing {
  readonly tenant: Tenant;
  readonly path: string;
  readonly version: string | null;
}

/**
 * Files that clients put down to be enrolled: they stay theirs, nothing is written or deleted here. `path` is within the tenant's
 * part. Errors: AppError STORE_UNAVAILABLE, also when the bucket or the folder as a whole is not there, so that nobody takes its
 * files for deleted.
 */
export interface Uploads {
  /** false: there is neither a bucket nor a folder, and every other call says that nothing is there. */
  readonly enabled: boolean;
  /** null when absent. */
  find(tenant: Tenant, path: string, options?: CallOptions): Promise<UploadedFile | null>;
  /** The file with its contents, which belong to the version told. null when absent. Errors: IMAGE_TOO_LARGE above `most` bytes. */
  read(
    tenant: Tenant,
    path: string,
    options: CallOptions & { readonly most: number },
  ): Promise<{ readonly file: UploadedFile; readonly bytes: Uint8Array } | null>;
  /** Every file of every tenant, in no particular order. `version` is null while a file is still growing. */
  files(options?: CallOptions): AsyncIterable<UploadListing>;
  /**
   * Calls `changed` whenever a file came, changed or went, once it has stopped growing; may miss some and repeat some. Resolves
   * when it watches; the returned function stops it. Where a bucket tells by itself it does nothing.
   */
  watch(changed: (tenant: Tenant, path: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}
