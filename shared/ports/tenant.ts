declare const brand: unique symbol;

/**
 * Owner of a gallery. It is the first argument of every port call on tenant data, so a query without a tenant does not
 * compile.
 */
export type Tenant = string & { readonly [brand]: 'Tenant' };

/** Converts `value` to a tenant. A tenant name has 1 to 64 characters of `a-z 0-9 _ -`; anything else throws a RangeError. */
export function asTenant(value: string): Tenant {
  if (!isTenant(value)) throw new RangeError(`not a tenant: ${JSON.stringify(value)}`);
  return value as Tenant;
}

/** Whether `value` has the form of a tenant name. */
export const isTenant = (value: string): boolean => /^[a-z0-9_-]{1,64}$/.test(value);

/** The only tenant of a fresh embedded installation. */
export const defaultTenant: Tenant = asTenant('default');

/**
 * Options of every port call. When the signal is aborted, the call rejects with the reason of the signal, and no
 * partial effect is visible.
 */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}
