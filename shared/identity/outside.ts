import { createRemoteJWKSet, customFetch, decodeJwt, type JWTPayload, jwtVerify } from 'jose';
import { type Principal, type Role, roles, scopesOfRole } from '../domain/access.ts';
import { isTrustworthyUrl, type OutsideIssuer } from '../domain/outside-issuer.ts';
import { AppError } from '../errors.ts';
import type { Accounts } from '../ports/accounts.ts';
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
 * Verifies a token of the outside issuer and returns its caller. Errors: UNAUTHENTICATED (also for a key that is too weak and for a `sub`
 * that cannot be written to the audit log), FORBIDDEN (no role, or no tenant that exists), STORE_UNAVAILABLE (the discovery document
 * or the keys of the issuer cannot be read).
 */
export async function verifyOutsideToken(
  token: string,
  outside: OutsideIssuer,
  { accounts, clock }: { readonly accounts: Accounts; readonly clock: Clock },
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
    }).catch(asNotValid),
  );
  const id = subjectOf(payload);
  const role = roleOf(payload, outside);
  return {
    tenant: await tenantOf(payload, outside, accounts),
    principal: {
      kind: 'outside',
      id,
      name: nameOf(payload) ?? id,
      role,
      scopes: new Set(scopesOfRole[role]),
      sessionId: null,
    },
  };
}

/** jose throws errors without a code for a key that it does not accept, such as RSA under 2048 bits. */
function asNotValid(error: unknown): never {
  if (
    error instanceof AppError ||
    (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_J'))
  )
    throw error;
  throw notValid(error);
}

/** Characters that are invisible or that break a line; they would make two callers look alike in the audit log. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
/** OpenID Connect Core 1.0, section 2, allows 255. */
const longestSubject = 255;
const longestName = 128;

function subjectOf({ sub }: JWTPayload): string {
  if (typeof sub === 'string' && sub.trim() !== '' && sub.length <= longestSubject && !invisible.test(sub)) return sub;
  throw notValid(new Error('the claim sub is empty, too long or has control characters'));
}

/** Name for people to read; null when the token has none. */
function nameOf({ preferred_username: username, name }: JWTPayload): string | null {
  const texts = [username, name].filter((value) => typeof value === 'string');
  const [first] = texts.map((text) => text.replaceAll(new RegExp(invisible, 'gu'), '').trim().slice(0, longestName));
  return first || null;
}

/** Returns the strongest role in the token. `owner` is ignored: an outside issuer cannot give it. */
function roleOf(payload: JWTPayload, { roleClaim, roleNames }: OutsideIssuer): Role {
  const claim = roleClaim.split('.').reduce<unknown>((value, part) => property(value, part), payload);
  const values = (Array.isArray(claim) ? claim : [claim]).filter((value) => typeof value === 'string');
  const names = new Set(values.map((value) => (Object.hasOwn(roleNames, value) ? roleNames[value] : value)));
  const role = roles.findLast((each) => each !== 'owner' && names.has(each));
  if (role === undefined)
    throw new AppError('FORBIDDEN', { message: 'Your token contains no role that this service knows.' });
  return role;
}

/** Only an owner creates tenants. So a token with another name must not create rows in a tenant that does not exist. */
async function tenantOf(payload: JWTPayload, { tenantClaim }: OutsideIssuer, accounts: Accounts): Promise<Tenant> {
  if (tenantClaim === null) return defaultTenant;
  const claim = property(payload, tenantClaim);
  if (typeof claim === 'string' && isTenant(claim)) {
    const tenant = asTenant(claim);
    if ((await accounts.getTenant(tenant)) !== null) return tenant;
  }
  throw new AppError('FORBIDDEN', { message: 'Your token contains no tenant of this service.' });
}

const property = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;

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
  if (keySetUrl !== null) return remoteKeySet(keySetUrl);
  try {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const response = await fetch(url, { signal: AbortSignal.timeout(5000), redirect: 'error' });
    const document = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
    if (document.issuer !== issuer) throw notValid(new Error(`${url} is the document of another issuer`));
    return remoteKeySet(String(document.jwks_uri));
  } catch (cause) {
    throw new AppError('STORE_UNAVAILABLE', { cause });
  }
}

function remoteKeySet(url: string): KeySet {
  if (!isTrustworthyUrl(url)) throw new Error(`the keys of the issuer must come over https, not from ${url}`);
  return createRemoteJWKSet(new URL(url), { [customFetch]: fetchKeys });
}

/** An issuer that does not respond is not a wrong token. Errors: STORE_UNAVAILABLE. */
async function fetchKeys(url: string, options: RequestInit): Promise<Response> {
  try {
    const response = await fetch(url, options);
    const keys = response.ok ? ((await response.json()) as { keys?: unknown }) : null;
    if (!Array.isArray(keys?.keys)) throw new Error(`${url} responded with ${response.status} and no key set`);
    return Response.json(keys);
  } catch (cause) {
    throw new AppError('STORE_UNAVAILABLE', { cause });
  }
}
