import { randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { Accounts, OpenSession, User } from '../ports/accounts.ts';
import type { Cache } from '../ports/cache.ts';
import type { Clock } from '../ports/clock.ts';
import { asTenant, type Tenant } from '../ports/tenant.ts';
import { digestOf } from './api-keys.ts';
import { lifeWith } from './lineage.ts';
import { tryPassword } from './lockout.ts';
import { verifyPassword } from './passwords.ts';
import { signAccessToken } from './tokens.ts';

const day = 24 * 60 * 60_000;
/** A session ends when it is not refreshed for this long. */
const idleMs = 14 * day;
/** A session ends after this time, even if it is refreshed. */
const longestMs = 90 * day;

export interface SessionDeps {
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Opens a session for a user with the right password. An unknown tenant, an unknown or disabled user and a wrong password give the
 * same error after the same time. Errors: LOGIN_FAILED, LOGIN_LOCKED, BUSY, STORE_UNAVAILABLE.
 *
 * @example
 * const { accessToken, refreshToken } = await logIn({ tenant, username, password }, { accounts, cache, clock, signal, newId });
 */
export async function logIn(
  { tenant, username, password }: { readonly tenant: Tenant; readonly username: string; readonly password: string },
  { accounts, cache, clock, signal, newId }: SessionDeps & { readonly cache: Cache; readonly newId: () => string },
): Promise<OpenSession> {
  const found = await accounts.getUserByName(tenant, username, { signal });
  const { ended } = await lifeWith(found?.endsWith ?? null, tenant, { accounts, now: clock.now(), signal });
  const user = await tryPassword({ tenant, username, exists: found !== null }, { cache, clock }, async () => {
    const usable = found !== null && !found.disabled && !ended ? found : null;
    return (await verifyPassword(password, usable?.passwordHash ?? null, signal)) ? usable : null;
  });
  const sessionId = newId();
  const secret = newSecret();
  const expiresAt = clock.now() + idleMs;
  const session = { sessionId, userId: user.userId, refreshDigest: digestOf(secret), expiresAt };
  await accounts.createSession(tenant, session, { signal }).catch(asLoginFailed);
  await refuseChangedUser(tenant, sessionId, user, accounts);
  return tokensOf({ tenant, user, sessionId, secret, expiresAt }, { accounts, clock, signal });
}

/**
 * [Note: A password that changes during a login]
 * A change of the password ends all existing sessions. A login that checked the old password just before would open its session
 * just afterwards and keep it. So the login reads the user again once the session exists: every later change ends that session
 * too.
 */
async function refuseChangedUser(tenant: Tenant, sessionId: string, user: User, accounts: Accounts): Promise<void> {
  const now = await accounts.getSession(tenant, sessionId);
  if (now !== null && !now.user.disabled && now.user.passwordHash === user.passwordHash) return;
  await accounts.endSession(tenant, sessionId);
  throw new AppError('LOGIN_FAILED');
}

/** The user may be deleted between the password check and this write. */
function asLoginFailed(error: unknown): never {
  if (error instanceof AppError && error.code === 'USER_NOT_FOUND') throw new AppError('LOGIN_FAILED');
  throw error;
}

/**
 * Returns new tokens for a refresh token, which is valid for one use. A second use ends the session and all its tokens, because one of
 * the two holders has stolen the token. Errors: UNAUTHENTICATED.
 */
export async function refreshSession(refreshToken: string, deps: SessionDeps): Promise<OpenSession> {
  const { accounts, clock, signal } = deps;
  const parsed = parseRefreshToken(refreshToken);
  if (parsed === null) throw invalidRefreshToken();
  const { tenant, sessionId } = parsed;
  const found = await accounts.getSession(tenant, sessionId, { signal });
  if (found === null || found.user.disabled) throw invalidRefreshToken();
  const life = await lifeWith(found.user.endsWith, tenant, { accounts, now: clock.now(), signal });
  if (life.ended) throw invalidRefreshToken();
  const secret = newSecret();
  const expiresAt = Math.min(clock.now() + idleMs, found.session.createdAt + longestMs);
  const digests = { from: digestOf(parsed.secret), to: digestOf(secret), expiresAt };
  const outcome = await accounts.rotateSession(tenant, sessionId, digests, { signal });
  if (outcome !== 'rotated') throw invalidRefreshToken();
  return tokensOf({ tenant, user: found.user, sessionId, secret, expiresAt }, deps);
}

interface Renewed {
  readonly tenant: Tenant;
  readonly user: User;
  readonly sessionId: string;
  readonly secret: string;
  readonly expiresAt: number;
}

async function tokensOf(
  { tenant, user, sessionId, secret, expiresAt }: Renewed,
  { accounts, clock }: SessionDeps,
): Promise<OpenSession> {
  const { userId, name, role } = user;
  const { token, expiresIn } = await signAccessToken({ tenant, userId, name, role, sessionId }, { accounts, clock });
  return {
    tenant,
    user,
    accessToken: token,
    expiresIn,
    refreshToken: `ffr.${tenant}.${sessionId}.${secret}`,
    refreshExpiresIn: Math.round((expiresAt - clock.now()) / 1000),
  };
}

function parseRefreshToken(text: string): { tenant: Tenant; sessionId: string; secret: string } | null {
  const [, tenant, sessionId, secret] = /^ffr\.([a-z0-9_-]{1,64})\.([0-9a-f-]{36})\.([\w-]{43})$/.exec(text) ?? [];
  if (tenant === undefined || sessionId === undefined || secret === undefined) return null;
  return { tenant: asTenant(tenant), sessionId, secret };
}

const newSecret = (): string => randomBytes(32).toString('base64url');

const invalidRefreshToken = () =>
  new AppError('UNAUTHENTICATED', { message: 'The refresh token is not valid; log in again.' });
