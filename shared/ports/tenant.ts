declare const brand: unique symbol;

/** The owner of a gallery. Every port call takes it first, so that a query without one does not compile. */
export type Tenant = string & { readonly [brand]: 'Tenant' };

/** Takes `value` as a tenant's name: 1 to 64 of `a-z 0-9 _ -`. Throws RangeError otherwise. */
export function asTenant(value: string): Tenant {
  if (!isTenant(value)) throw new RangeError(`not a tenant: ${JSON.stringify(value)}`);
  return value as Tenant;
}

/** Whether `value` has the form of a tenant's name. */
export const isTenant = (value: string): boolean => /^[a-z0-9_-]{1,64}$/.test(value);

/** The only tenant of a fresh embedded installation. */
export const defaultTenant: Tenant = asTenant('default');

/** Handed to every port call: an aborted signal makes the call reject with the signal's reason and leaves no partial effect visible. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}
