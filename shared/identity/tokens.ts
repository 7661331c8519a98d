import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { v7 } from 'uuid';
import type { Role } from '../domain/access.ts';
import { AppError } from '../errors.ts';
import type { Accounts, SigningKey } from '../ports/accounts.ts';
import type { Clock } from '../ports/clock.ts';
import { asTenant, type Tenant } from '../ports/tenant.ts';

/** Claims `iss` and `aud` of our own tokens. */
export const ownIssuer = 'urn:freeface';
const ownAudience = 'urn:freeface:api';

/** Milliseconds that an access token is good for. Short: a stolen one is soon worthless. */
const accessTokenMs = 10 * 60_000;

/** The one algorithm of ours; a token that names another is refused before anything of it is believed. */
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

/** An access token, and the seconds it is good for. */
export async function signAccessToken(
  { tenant, userId, name, role, sessionId }: TokenSubject,
  { accounts, clock }: TokenDeps,
): Promise<{ token: string; expiresIn: number }> {
  const now = clock.now();
  const payload = { tenant, name, role, sid: sessionId };
  const token = await sign({ ...payload, sub: userId, aud: ownAudience }, 'at+jwt', now, accounts, now + accessTokenMs);
  return { token, expiresIn: accessTokenMs / 1000 };
}

/** Whose token this is. Errors: UNAUTHENTICATED. */
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
 * A statement of the platform, such as an erasure receipt, as a compact JWS. Whoever holds it can check it against
 * /.well-known/jwks.json, also after the key was replaced: public halves stay there.
 */
export function signStatement(payload: JWTPayload, { accounts, clock }: TokenDeps): Promise<string> {
  return sign(payload, 'freeface-statement+jwt', clock.now(), accounts);
}

async function sign(payload: JWTPayload, type: string, now: number, accounts: Accounts, expiresAt?: number) {
  const [newest] = await accounts.signingKeys();
  if (newest === undefined) throw new AppError('NOT_READY', { cause: new Error('there is no signing key yet') });
  const token = new SignJWT(payload)
    .setProtectedHeader({ alg: algorithm, kid: newest.keyId, typ: type })
    .setIssuer(ownIssuer)
    .setIssuedAt(new Date(now));
  if (expiresAt !== undefined) token.setExpirationTime(new Date(expiresAt));
  return token.sign(await imported(newest.privateJwk));
}

/** A new key to sign with, unless there is one that is younger. Resolves to whether it was made. */
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

/** Public halves of all keys, in the form of RFC 7517. */
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

/** Imported once: a JWK of a key never changes. */
const importedKeys = new Map<string, ReturnType<typeof importJWK>>();

function imported(jwk: string): ReturnType<typeof importJWK> {
  const known = importedKeys.get(jwk) ?? importJWK(JSON.parse(jwk) as JWK, algorithm);
  importedKeys.set(jwk, known);
  return known;
}

/** Key ids and their public halves, by the store they come from. */
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

/** Runs a verification of jose; what it throws of the token becomes UNAUTHENTICATED, which says no more than that it has expired. */
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
