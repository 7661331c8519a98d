import type { KeptKind } from '../domain/tuning.ts';
import type { CallOptions, Tenant } from './tenant.ts';

export interface CacheOptions extends CallOptions {
  /**
   * Absent: the value is a cached value. With a kind, the call works on security state: login locks, rate limits, marks of an
   * `Idempotency-Key`.
   *
   * [Note: Security state is not a cached value]
   * A cached value may disappear at any time. If a lock or a mark disappeared, a password could be guessed again or a request could run
   * twice. So security state has a separate space for each tenant and kind, whose limits are in `kept` (shared/domain/tuning.ts). It stays
   * until its lifetime ends, also over a restart. No cached value and no other tenant can push it out. A write into a full space is
   * refused with RATE_LIMITED, except for kinds that lose their oldest entries by design (`whenFull: 'oldest'`). One key of a kind
   * and the same key without a kind are different keys.
   */
  readonly kept?: KeptKind | undefined;
}

/**
 * Values that may disappear at any time (search results, counters of metrics), and security state that may not (`kept`). The memory is
 * limited. The cache is never the only source of a fact about a person.
 */
export interface Cache {
  /** null when the key does not exist or has expired. */
  get(tenant: Tenant, key: string, options?: CacheOptions): Promise<string | null>;
  /** Sets or replaces the value and its lifetime. `ttlMs` must be above 0. Errors: RATE_LIMITED when the space of `kept` is full. */
  set(tenant: Tenant, key: string, value: string, options: CacheOptions & { readonly ttlMs: number }): Promise<void>;
  /**
   * Sets the value only when the key does not exist. Resolves to whether it was set. Of concurrent calls exactly one
   * succeeds. Errors: RATE_LIMITED when the space of `kept` is full.
   */
  add(tenant: Tenant, key: string, value: string, options: CacheOptions & { readonly ttlMs: number }): Promise<boolean>;
  /** An absent key is not an error. */
  delete(tenant: Tenant, key: string, options?: CacheOptions): Promise<void>;
  /**
   * Adds `by` atomically to an integer that starts at 0. Resolves to the sum. `ttlMs` counts from the first increment.
   * A value that is not an integer is an error. Errors: RATE_LIMITED when the space of `kept` is full.
   */
  increment(
    tenant: Tenant,
    key: string,
    by: number,
    options: CacheOptions & { readonly ttlMs: number },
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
