import type { CallOptions, Tenant } from './tenant.ts';

/** Image bytes, encrypted at rest. A key must match `[A-Za-z0-9._-]{1,128}`; any other key is a RangeError. */
export interface Images {
  /** Writes or replaces the bytes. Atomic: a reader sees all bytes or none, also after a crash. */
  put(tenant: Tenant, key: string, bytes: Uint8Array, options?: CallOptions): Promise<void>;
  /**
   * null when the key does not exist. A damaged or foreign file is an AppError IMAGE_STORE_DAMAGED; wrong bytes are
   * never returned.
   */
  get(tenant: Tenant, key: string, options?: CallOptions): Promise<Uint8Array | null>;
  /**
   * A URL at which anyone can download the bytes directly from the store for a limited time. null when clients cannot reach the store.
   * The call does not check that the key exists.
   */
  link(tenant: Tenant, key: string, options: LinkOptions): Promise<string | null>;
  /** Resolves to whether the key existed. */
  delete(tenant: Tenant, key: string, options?: CallOptions): Promise<boolean>;
  /** Every key of a tenant, with the time of its last write in milliseconds since the epoch. */
  keys(tenant: Tenant, options?: CallOptions): AsyncIterable<{ key: string; writtenAt: number }>;
  close(): Promise<void>;
}

export interface LinkOptions extends CallOptions {
  /** Seconds, 1 to 3600. */
  readonly expiresSeconds: number;
  /** `content-type` header of the download. */
  readonly contentType: string;
  /** `content-disposition` header of the download. */
  readonly disposition: string;
}
