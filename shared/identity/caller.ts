import { mayGrant, type Principal, type Role, type Scope, scopesOfRole } from '../domain/access.ts';
import { AppError } from '../errors.ts';
import type { Tenant } from '../ports/tenant.ts';

/** Returns the caller. Errors: UNAUTHENTICATED, never in a function whose manifest requires a scope. */
export function callerOf(principal: Principal | null): Principal {
  if (principal === null) throw new AppError('UNAUTHENTICATED');
  return principal;
}

/** The caller's name in stored records: `user:…`, `key:…` or `outside:…`. */
export const actorOf = ({ kind, id }: Principal): string => `${kind}:${id}`;

/**
 * Requires that the caller has all scopes of `wanted`. Errors: FORBIDDEN.
 *
 * [Note: No privilege escalation]
 * A caller could gain rights in three ways: grant a scope that it lacks, set the password of a user with more rights, or revoke such a
 * user's key. So a caller who creates, changes or deletes a user or a key must have all scopes of that user or key.
 *
 * @example
 * requireGrant(principal, ['users:manage']);
 */
export function requireGrant(principal: Principal, wanted: readonly Scope[]): void {
  if (mayGrant(principal, wanted)) return;
  const missing = wanted.filter((scope) => !principal.scopes.has(scope));
  throw new AppError('FORBIDDEN', {
    message: `This request requires scopes that you do not have: ${missing.join(', ')}.`,
    details: { scopes: missing },
  });
}

/** Requires that the caller has all scopes of `role`. Errors: FORBIDDEN. See: [Note: No privilege escalation] */
export const requireRole = (principal: Principal, role: Role): void => requireGrant(principal, scopesOfRole[role]);

/** Requires `tenants:manage` for every tenant other than the caller's own, whether or not it exists. Errors: FORBIDDEN. */
export function requireOwnTenant(principal: Principal, own: Tenant, tenant: Tenant): void {
  if (tenant !== own) requireGrant(principal, ['tenants:manage']);
}
