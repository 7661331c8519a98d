import { mayGrant, type Principal, type Role, type Scope, scopesOfRole } from '../domain/access.ts';
import { AppError } from '../errors.ts';
import type { Tenant } from '../ports/tenant.ts';

/** Whoever calls. Errors: UNAUTHENTICATED; never in a function whose manifest asks for a scope. */
export function callerOf(principal: Principal | null): Principal {
  if (principal === null) throw new AppError('UNAUTHENTICATED');
  return principal;
}

/** As whoever calls stands in records: `user:…`, `key:…` or `outside:…`. */
export const actorOf = ({ kind, id }: Principal): string => `${kind}:${id}`;

/**
 * [Note: Nobody rules over more than they may]
 * Giving out a right that one does not have is only the plain way up. Setting the password of somebody who may more, or taking
 * their key away, leads there as well. So whoever makes, changes or removes a user or a key must have all that it has.
 *
 * Errors: FORBIDDEN.
 */
export function requireGrant(principal: Principal, wanted: readonly Scope[]): void {
  if (mayGrant(principal, wanted)) return;
  const missing = wanted.filter((scope) => !principal.scopes.has(scope));
  throw new AppError('FORBIDDEN', {
    message: `This takes scopes that you do not have: ${missing.join(', ')}.`,
    details: { scopes: missing },
  });
}

/** Errors: FORBIDDEN when the role may more than `principal`. See: [Note: Nobody rules over more than they may] */
export const requireRole = (principal: Principal, role: Role): void => requireGrant(principal, scopesOfRole[role]);

/** A tenant other than one's own takes `tenants:manage`, whether or not it exists. Errors: FORBIDDEN. */
export function requireOwnTenant(principal: Principal, own: Tenant, tenant: Tenant): void {
  if (tenant !== own) requireGrant(principal, ['tenants:manage']);
}
