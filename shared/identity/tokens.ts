import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { v7 } from 'uuid';
import type { Role } from '../domain/access.ts';
import { AppError } from '../errors.ts';
import type { Accounts, SigningKey } from '../ports/accounts.ts';
import type { Clock } from '../ports/clock.ts';
import { asTenant, type Tenant } from '../ports/tenant.ts';

/** Claims `iss` and `aud` of the platform's own tokens. */
export const ownIssuer = 'urn:freeface';
const ownAudience = 'urn:freeface:api';

/** Lifetime of an access token. It is short, so that a stolen token is soon worthless. */
const accessTokenMs = 10 * 60_000;

/** The only algorithm of the platform's own tokens. A token with another algorithm is refused before its claims are read. */
const algorithm = 'EdDSA';

export interface TokenSubject {
  readonly tenant: Tenant;
  readonly userId: string;
  readonly name: string;
  readonly role: Role;
  readonly sessionId: string;
}

export interface TokenDeps {
  readonly accounts: Accounts;
  readonly clock: Clock;
}

/** Returns an access token and its lifetime in seconds. */
export async function signAccessToken(
  { tenant, userId, name, role, sessionId }: TokenSubject,
  { accounts, clock }: TokenDeps,
): Promise<{ token: string; expiresIn: number }> {
  const now = clock.now();
  const payload = { tenant, name, role, sid: sessionId };
  const token = await sign({ ...payload, sub: userId, aud: ownAudience }, 'at+jwt', now, accounts, now + accessTokenMs);
  return { token, expiresIn: accessTokenMs / 1000 };
}

/** Verifies an access token and returns its tenant, user and session. Errors: UNAUTHENTICATED. */
export async function verifyAccessToken(
  token: string,
  { accounts, clock }: TokenDeps,
): Promise<Pick<TokenSubject, 'tenant' | 'userId' | 'sessionId'>> {
  const { payload } = await verified(() =>
    jwtVerify(token, ({ kid }) => publicKey(kid, accounts), {
      algorithms: [algorithm],
      issuer: ownIssuer,
      audience: ownAudience,
      typ: 'at+jwt',
      currentDate: new Date(clock.now()),
      requiredClaims: ['sub', 'exp', 'sid', 'tenant'],
    }),
  );
  const { sub, sid, tenant } = payload;
  return { tenant: asTenant(String(tenant)), userId: String(sub), sessionId: String(sid) };
}

/**
 * Signs a statement of the platform, such as an erasure receipt, as a compact JWS. Its holder can verify it with the keys of
 * /.well-known/jwks.json, also after a rotation, because old public keys stay there.
 */
export function signStatement(payload: JWTPayload, { accounts, clock }: TokenDeps): Promise<string> {
  return sign(payload, 'freeface-statement+jwt', clock.now(), accounts);
}

async function sign(payload: JWTPayload, type: string, now: number, accounts: Accounts, expiresAt?: number) {
  const [newest] = await accounts.signingKeys();
  if (newest === undefined) throw new AppError('NOT_READY', { cause: new Error('no signing key exists yet') });
  const token = new SignJWT(payload)
    .setProtectedHeader({ alg: algorithm, kid: newest.keyId, typ: type })
    .setIssuer(ownIssuer)
    .setIssuedAt(new Date(now));
  if (expiresAt !== undefined) token.setExpirationTime(new Date(expiresAt));
  return token.sign(await imported(newest.privateJwk));
}

/** Creates a signing key unless the newest key is younger than `maxAgeMs`. Resolves to whether it created one. */
export async function rotateSigningKey({ accounts, clock }: TokenDeps, maxAgeMs: number): Promise<boolean> {
  const unlessNewerThan = clock.now() - maxAgeMs;
  const [newest] = await accounts.signingKeys();
  if (newest !== undefined && newest.createdAt > unlessNewerThan) return false;
  return accounts.addSigningKey(await newSigningKey(clock.now()), { unlessNewerThan });
}

async function newSigningKey(now: number): Promise<Omit<SigningKey, 'createdAt'>> {
  const keyId = v7({ msecs: now });
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const [publicJwk, privateJwk] = await Promise.all([exportJWK(publicKey), exportJWK(privateKey)]);
  return { keyId, algorithm, publicJwk: JSON.stringify(publicJwk), privateJwk: JSON.stringify(privateJwk) };
}

/** Returns the public keys as a JWK set (RFC 7517). */
export async function publicKeySet(accounts: Accounts): Promise<{ keys: JWK[] }> {
  const keys = await accounts.signingKeys();
  return {
    keys: keys.map(({ keyId, publicJwk }) => ({
      ...(JSON.parse(publicJwk) as JWK),
      kid: keyId,
      alg: algorithm,
      use: 'sig',
    })),
  };
}

/** Imported keys by their JWK, which never changes. */
const importedKeys = new Map<string, ReturnType<typeof importJWK>>();

function imported(jwk: string): ReturnType<typeof importJWK> {
  const known = importedKeys.get(jwk) ?? importJWK(JSON.parse(jwk) as JWK, algorithm);
  importedKeys.set(jwk, known);
  return known;
}

/** Public keys by key id, for each store. */
const publicKeys = new WeakMap<Accounts, ReadonlyMap<string, string>>();

async function publicKey(keyId: string | undefined, accounts: Accounts) {
  if (keyId === undefined) throw notValid();
  let jwk = publicKeys.get(accounts)?.get(keyId);
  if (jwk === undefined) {
    const keys = new Map((await accounts.signingKeys()).map((key) => [key.keyId, key.publicJwk]));
    publicKeys.set(accounts, keys);
    jwk = keys.get(keyId);
  }
  if (jwk === undefined) throw notValid();
  return imported(jwk);
}

/** Runs a verification of jose. A wrong token becomes UNAUTHENTICATED, whose message reveals at most that the token has expired. */
export async function verified<Result>(verify: () => Promise<Result>): Promise<Result> {
  try {
    return await verify();
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ERR_JWT_EXPIRED') throw new AppError('UNAUTHENTICATED', { message: 'The token has expired.' });
    if (code.startsWith('ERR_J')) throw notValid(error);
    throw error;
  }
}

export const notValid = (cause?: unknown) =>
  new AppError('UNAUTHENTICATED', { message: 'The token or key is not valid.', cause });
