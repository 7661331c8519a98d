import type { CallOptions, Tenant } from './tenant.ts';

/** Values that may vanish at any time: answers, counters, rate limits. Bounded in memory; nothing is true only because it stands here. */
export interface Cache {
  get(tenant: Tenant, key: string, options?: CallOptions): Promise<string | null>;
  set(tenant: Tenant, key: string, value: string, options: CallOptions & { readonly ttlMs: number }): Promise<void>;
  /** Sets only when absent; resolves to whether it did. */
  add(tenant: Tenant, key: string, value: string, options: CallOptions & { readonly ttlMs: number }): Promise<boolean>;
  delete(tenant: Tenant, key: string, options?: CallOptions): Promise<void>;
  /** Adds `by` atomically to an integer that starts at 0 and resolves to the sum. `ttlMs` counts from the first increment. */
  increment(
    tenant: Tenant,
    key: string,
    by: number,
    options: CallOptions & { readonly ttlMs: number },
  ): Promise<number>;
  /**
   * Adds to numbers by name, which start at 0, all at once. The same `once` again, within ten minutes, adds nothing: for who does not know
   * whether it was done. `ttlMs` counts from the latest addition.
   */
  addToSums(
    tenant: Tenant,
    key: string,
    by: Readonly<Record<string, number>>,
    options: CallOptions & { readonly ttlMs: number; readonly once: string },
  ): Promise<void>;
  /** The numbers of that key. */
  sums(tenant: Tenant, key: string, options?: CallOptions): Promise<Record<string, number>>;
  close(): Promise<void>;
}
