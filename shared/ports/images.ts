import type { CallOptions, Tenant } from './tenant.ts';

/** Image bytes, encrypted at rest. Keys: `[A-Za-z0-9._-]{1,128}`. */
export interface Images {
  /** Atomic: a reader sees all bytes or none, also after a crash. Replaces what was there. */
  put(tenant: Tenant, key: string, bytes: Uint8Array, options?: CallOptions): Promise<void>;
  /** null when absent. A damaged or foreign file is an AppError IMAGE_STORE_DAMAGED, never wrong bytes. */
  get(tenant: Tenant, key: string, options?: CallOptions): Promise<Uint8Array | null>;
  /**
   * A URL at which anybody gets the bytes for a while, past the platform; null where the store is not to be reached by clients. Whether
   * they are there is not looked up.
   */
  link(tenant: Tenant, key: string, options: LinkOptions): Promise<string | null>;
  /** Resolves to whether there was something. */
  delete(tenant: Tenant, key: string, options?: CallOptions): Promise<boolean>;
  /** Every key of a tenant with the time it was written (milliseconds since the epoch). */
  keys(tenant: Tenant, options?: CallOptions): AsyncIterable<{ key: string; writtenAt: number }>;
  close(): Promise<void>;
}

export interface LinkOptions extends CallOptions {
  /** Seconds, 1 to 3600. */
  readonly expiresSeconds: number;
  /** Headers that the bytes come with. */
  readonly contentType: string;
  readonly disposition: string;
}
