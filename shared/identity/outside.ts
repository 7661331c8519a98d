import { createRemoteJWKSet, decodeJwt, type JWTPayload, jwtVerify } from 'jose';
import { type Principal, type Role, roles, scopesOfRole } from '../domain/access.ts';
import type { OutsideIssuer } from '../domain/outside-issuer.ts';
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import { asTenant, defaultTenant, isTenant, type Tenant } from '../ports/tenant.ts';
import { notValid, verified } from './tokens.ts';

/** Only asymmetric algorithms: with a shared secret, a party that can verify a token could also sign one. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** Returns `iss` of a token that is not verified yet; null when the text is not a token. */
export function claimedIssuer(token: string): string | null {
  try {
    return decodeJwt(token).iss ?? null;
  } catch {
    return null;
  }
}

/**
 * Verifies a token of the outside issuer and returns its caller. Errors: UNAUTHENTICATED, FORBIDDEN (no role or no tenant),
 * STORE_UNAVAILABLE (the issuer's discovery document cannot be read).
 */
export async function verifyOutsideToken(
  token: string,
  outside: OutsideIssuer,
  clock: Clock,
): Promise<{ tenant: Tenant; principal: Principal }> {
  const keys = await keySetOf(outside);
  const { payload } = await verified(() =>
    jwtVerify(token, keys, {
      algorithms,
      issuer: outside.issuer,
      audience: outside.audience,
      currentDate: new Date(clock.now()),
      requiredClaims: ['sub', 'exp'],
      clockTolerance: 5,
    }),
  );
  const role = roleOf(payload, outside);
  const { sub, name, preferred_username: username } = payload;
  return {
    tenant: tenantOf(payload, outside),
    principal: {
      kind: 'outside',
      id: String(sub),
      name: String(username ?? name ?? sub),
      role,
      scopes: new Set(scopesOfRole[role]),
      sessionId: null,
    },
  };
}

/** Returns the strongest role in the token. `owner` is ignored: an outside issuer cannot give it. */
function roleOf(payload: JWTPayload, { roleClaim, roleNames }: OutsideIssuer): Role {
  const claim = roleClaim.split('.').reduce<unknown>((value, part) => property(value, part), payload);
  const names = new Set((Array.isArray(claim) ? claim : [claim]).map((value) => roleNames[String(value)] ?? value));
  const role = roles.findLast((each) => each !== 'owner' && names.has(each));
  if (role === undefined)
    throw new AppError('FORBIDDEN', { message: 'Your token contains no role that this service knows.' });
  return role;
}

function tenantOf(payload: JWTPayload, { tenantClaim }: OutsideIssuer): Tenant {
  if (tenantClaim === null) return defaultTenant;
  const claim = property(payload, tenantClaim);
  if (typeof claim === 'string' && isTenant(claim)) return asTenant(claim);
  throw new AppError('FORBIDDEN', { message: 'Your token contains no valid tenant.' });
}

const property = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;

type KeySet = ReturnType<typeof createRemoteJWKSet>;

/** By issuer and URL. jose caches the keys and fetches them again when a token needs an unknown key. */
const keySets = new Map<string, Promise<KeySet>>();

function keySetOf(outside: OutsideIssuer): Promise<KeySet> {
  const name = `${outside.issuer} ${outside.keySetUrl}`;
  let keySet = keySets.get(name);
  if (keySet === undefined) {
    keySet = discover(outside);
    keySets.set(name, keySet);
    keySet.catch(() => keySets.delete(name));
  }
  return keySet;
}

async function discover({ issuer, keySetUrl }: OutsideIssuer): Promise<KeySet> {
  if (keySetUrl !== null) return createRemoteJWKSet(new URL(keySetUrl));
  try {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const response = await fetch(url, { signal: AbortSignal.timeout(5000), redirect: 'error' });
    const document = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
    if (document.issuer !== issuer) throw notValid(new Error(`${url} is the document of another issuer`));
    return createRemoteJWKSet(new URL(String(document.jwks_uri)));
  } catch (cause) {
    throw new AppError('STORE_UNAVAILABLE', { cause });
  }
}
