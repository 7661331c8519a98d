import { type Principal, scopesOfRole } from '../domain/access.ts';
import type { OutsideIssuer } from '../domain/outside-issuer.ts';
import { AppError } from '../errors.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { Clock } from '../ports/clock.ts';
import type { Tenant } from '../ports/tenant.ts';
import { digestOf, parseApiKey, sameDigest } from './api-keys.ts';
import { lifeWith, parentOf } from './lineage.ts';
import { claimedIssuer, verifyOutsideToken } from './outside.ts';
import { notValid, ownIssuer, verifyAccessToken } from './tokens.ts';

export interface AuthenticateDeps {
  readonly accounts: Accounts;
  readonly clock: Clock;
  /** null: only users and keys of the platform. */
  readonly outsideIssuer: OutsideIssuer | null;
}

export interface Authenticated {
  readonly tenant: Tenant;
  readonly principal: Principal;
}

/**
 * Returns the caller of a request with `Authorization: Bearer` and a token or a key, or with `X-API-Key` and a key.
 *
 * [Note: Revocation takes effect at once]
 * A signature alone would let a user who was disabled, demoted or logged out go on until the token expires. So each request reads the
 * session with its user, or the key, from the store, and uses the stored role and scopes.
 *
 * Errors: UNAUTHENTICATED; FORBIDDEN for a user of an outside issuer without a role or a tenant.
 *
 * @example
 * const { tenant, principal } = await authenticate({ 'x-api-key': key }, { accounts, clock, outsideIssuer: null });
 */
export async function authenticate(
  headers: Readonly<Record<string, string | undefined>>,
  deps: AuthenticateDeps,
): Promise<Authenticated> {
  const credential = credentialIn(headers);
  if (credential === null) throw new AppError('UNAUTHENTICATED');
  if (credential.startsWith('ffk.')) return byKey(credential, deps);
  const issuer = claimedIssuer(credential);
  if (issuer === ownIssuer) return byToken(credential, deps);
  if (deps.outsideIssuer !== null && issuer === deps.outsideIssuer.issuer) {
    return verifyOutsideToken(credential, deps.outsideIssuer, deps);
  }
  throw notValid();
}

function credentialIn(headers: Readonly<Record<string, string | undefined>>): string | null {
  const { authorization } = headers;
  if (authorization === undefined) return headers['x-api-key'] ?? null;
  return /^Bearer +([^\s,]+)$/i.exec(authorization.trim())?.[1] ?? null;
}

async function byKey(credential: string, { accounts, clock }: AuthenticateDeps): Promise<Authenticated> {
  const parsed = parseApiKey(credential);
  if (parsed === null) throw notValid();
  const { tenant, keyId, secret } = parsed;
  const key = await accounts.getApiKey(tenant, keyId);
  if (key === null || !sameDigest(digestOf(secret), key.secretDigest)) throw notValid();
  if (key.revokedAt !== null) throw notValid();
  if (key.expiresAt !== null && key.expiresAt <= clock.now()) {
    throw new AppError('UNAUTHENTICATED', { message: 'The key has expired.' });
  }
  const { ended } = await lifeWith(parentOf(key), tenant, { accounts, now: clock.now() });
  if (ended) throw new AppError('UNAUTHENTICATED', { message: 'The key that created this key has ended.' });
  const { name } = key;
  return {
    tenant,
    principal: { kind: 'key', id: keyId, name, role: null, scopes: new Set(key.scopes), sessionId: null },
  };
}

async function byToken(token: string, deps: AuthenticateDeps): Promise<Authenticated> {
  const { tenant, sessionId } = await verifyAccessToken(token, deps);
  const found = await deps.accounts.getSession(tenant, sessionId);
  if (found === null || found.user.disabled) throw notValid();
  const { userId, name, role, endsWith } = found.user;
  if ((await lifeWith(endsWith, tenant, { accounts: deps.accounts, now: deps.clock.now() })).ended) throw notValid();
  return {
    tenant,
    principal: { kind: 'user', id: userId, name, role, scopes: new Set(scopesOfRole[role]), sessionId },
  };
}
