import type { CallOptions, Tenant } from './tenant.ts';

/**
 * Values that may disappear at any time: search results, counters, rate limits. The memory is limited. The cache is
 * never the only source of a fact.
 */
export interface Cache {
  /** null when the key does not exist or has expired. */
  get(tenant: Tenant, key: string, options?: CallOptions): Promise<string | null>;
  /** Sets or replaces the value and its lifetime. `ttlMs` must be above 0. */
  set(tenant: Tenant, key: string, value: string, options: CallOptions & { readonly ttlMs: number }): Promise<void>;
  /**
   * Sets the value only when the key does not exist. Resolves to whether it was set. Of concurrent calls exactly one
   * succeeds.
   */
  add(tenant: Tenant, key: string, value: string, options: CallOptions & { readonly ttlMs: number }): Promise<boolean>;
  /** An absent key is not an error. */
  delete(tenant: Tenant, key: string, options?: CallOptions): Promise<void>;
  /**
   * Adds `by` atomically to an integer that starts at 0. Resolves to the sum. `ttlMs` counts from the first increment.
   * A value that is not an integer is an error.
   */
  increment(
    tenant: Tenant,
    key: string,
    by: number,
    options: CallOptions & { readonly ttlMs: number },
  ): Promise<number>;
  /**
   * Adds to several named numbers in one atomic step; each starts at 0. A second call with the same `once` within ten minutes adds nothing,
   * so a caller can retry when the outcome of the first call is unknown. `ttlMs` counts from the latest addition.
   */
  addToSums(
    tenant: Tenant,
    key: string,
    by: Readonly<Record<string, number>>,
    options: CallOptions & { readonly ttlMs: number; readonly once: string },
  ): Promise<void>;
  /** The named numbers of a key; empty when the key does not exist or has expired. */
  sums(tenant: Tenant, key: string, options?: CallOptions): Promise<Record<string, number>>;
  close(): Promise<void>;
}
