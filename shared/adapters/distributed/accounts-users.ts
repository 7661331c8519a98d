import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { v7 } from 'uuid';
import { eachOf } from '../../domain/each-of.ts';
import { AppError } from '../../errors.ts';
import type { NewUser, Session, User, UserChanges } from '../../ports/accounts.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { CallOptions } from '../../ports/tenant.ts';
import { given, requireTenant } from './accounts-tenants.ts';
import { atOnce } from './records-images.ts';
import { type Claims, claimsIn } from './scylla/claims.ts';
import { drop, pageOf, put } from './scylla/lists.ts';
import type { ScyllaStore } from './scylla/store.ts';

/**
 * A user as it is stored. `order`: position in the list.
 *
 * [Note: One row ends all sessions]
 * A new password must end all sessions at once. So each session stores the `era` of its user when it started. A session is valid while
 * the user has the same era. One session (`kept`) stays valid when the era changes. One write of the user's row changes the
 * password and the era together, so no session has to be found and deleted.
 */
export interface UserDocument extends User {
  readonly order: string;
  readonly era: string;
  readonly kept: string | null;
}
interface SessionDocument extends Session {
  readonly era: string;
}

/** The database deletes the row of a session this long after the session's end. The margin allows for clocks that differ. */
const marginSeconds = 24 * 60 * 60;
/** Longest time to live: ten years. The engines refuse more than twenty. */
const mostSeconds = 10 * 365 * marginSeconds;

const claimsOf = ({ scylla, now }: ScyllaStore): Claims => claimsIn(scylla, 'users_by_name', now);
const read = ({ documents }: ScyllaStore, tenant: string, userId: string) =>
  documents.get<UserDocument>('users', tenant, userId);

/** Errors: TENANT_NOT_FOUND, USER_EXISTS. */
export async function create(
  store: ScyllaStore,
  tenant: string,
  user: NewUser,
  options: CallOptions | undefined,
): Promise<User> {
  await requireTenant(store, tenant);
  options?.signal?.throwIfAborted();
  const { userId } = user;
  const username = user.username.toLowerCase();
  if ((await read(store, tenant, userId)) !== null) throw new AppError('USER_EXISTS');
  const claims = claimsOf(store);
  const { held, fresh } = await claims.claim(
    tenant,
    username,
    userId,
    async (holder) => (await read(store, tenant, holder))?.username === username,
  );
  if (!held) throw new AppError('USER_EXISTS');
  try {
    return await store.documents.change<UserDocument, User>(
      'users',
      tenant,
      userId,
      (current) => {
        if (current !== null) throw new AppError('USER_EXISTS');
        const at = store.now();
        const { name, role, passwordHash, disabled, endsWith = null } = user;
        const times = { createdAt: at, updatedAt: at, version: 1 };
        const made = { userId, username, name, role, passwordHash, disabled, endsWith, ...times };
        const order = v7();
        return {
          next: { ...made, order, era: randomUUID(), kept: null },
          effects: put('users_by_tenant', tenant, { at, id: order }, userId),
          result: made,
        };
      },
      options,
    );
  } catch (error) {
    if (fresh && error instanceof AppError && error.code === 'USER_EXISTS') {
      await claims.release(tenant, username, userId);
    }
    throw error;
  }
}

export async function get(store: ScyllaStore, tenant: string, userId: string): Promise<User | null> {
  const document = await read(store, tenant, userId);
  return document === null ? null : toUser(document);
}

export async function getByName(store: ScyllaStore, tenant: string, name: string): Promise<User | null> {
  const username = name.toLowerCase();
  const holder = await claimsOf(store).holder(tenant, username);
  const user = holder === null ? null : await get(store, tenant, holder);
  // The claim is valid only if the user has this name. See: [Note: Claims]
  return user?.username === username ? user : null;
}

export const list = async (store: ScyllaStore, tenant: string, options: PageOptions): Promise<Page<User>> =>
  await pageOf(store.scylla, await store.tokens(), JSON.stringify(['users', tenant]), 'users_by_tenant', tenant, {
    ...options,
    order: 'up',
    load: (entries) => eachOf(entries, atOnce, ({ data }) => get(store, tenant, data)),
  });

/** The version and the sessions stay the same when no value changes. Errors: USER_NOT_FOUND, VERSION_CONFLICT. */
export const update = (
  { documents, now }: ScyllaStore,
  tenant: string,
  userId: string,
  changes: UserChanges,
  options: (CallOptions & { version?: number | undefined; keepSession?: string | undefined }) | undefined,
): Promise<User> =>
  documents.change<UserDocument, User>(
    'users',
    tenant,
    userId,
    async (current) => {
      if (current === null) throw new AppError('USER_NOT_FOUND');
      if (options?.version !== undefined && options.version !== current.version) {
        throw new AppError('VERSION_CONFLICT');
      }
      const changed: UserDocument = { ...current, ...given(changes) };
      if (isDeepStrictEqual(current, changed)) return { next: undefined, result: toUser(current) };
      const endsSessions =
        changed.passwordHash !== current.passwordHash || changed.role !== current.role || changed.disabled;
      const keep = options?.keepSession ?? null;
      const session = keep === null ? null : await documents.get<SessionDocument>('sessions', tenant, keep);
      const kept = session !== null && isOfEra(session, current) ? keep : null;
      const next: UserDocument = {
        ...changed,
        ...(endsSessions ? { era: randomUUID(), kept } : {}),
        updatedAt: Math.max(now(), current.updatedAt),
        version: current.version + 1,
      };
      return { next, result: toUser(next) };
    },
    options,
  );

/** Also ends the user's sessions. Resolves to whether the user existed. */
export async function remove(
  store: ScyllaStore,
  tenant: string,
  userId: string,
  options: CallOptions | undefined,
): Promise<boolean> {
  const username = await store.documents.change<UserDocument, string | null>(
    'users',
    tenant,
    userId,
    (current) =>
      current === null
        ? { next: undefined, result: null }
        : {
            next: null,
            effects: drop('users_by_tenant', tenant, { at: current.createdAt, id: current.order }),
            result: current.username,
          },
    options,
  );
  if (username === null) return false;
  await claimsOf(store).release(tenant, username, userId);
  return true;
}

/** Errors: USER_NOT_FOUND. */
export async function createSession(
  store: ScyllaStore,
  tenant: string,
  { sessionId, userId, refreshDigest, expiresAt }: Omit<Session, 'createdAt'>,
  options: CallOptions | undefined,
): Promise<void> {
  const user = await read(store, tenant, userId);
  if (user === null) throw new AppError('USER_NOT_FOUND');
  const now = store.now();
  await store.documents.change<SessionDocument, void>(
    'sessions',
    tenant,
    sessionId,
    () => ({
      next: { sessionId, userId, refreshDigest, createdAt: now, expiresAt, era: user.era },
      ttl: secondsUntil(expiresAt, now),
      result: undefined,
    }),
    options,
  );
}

export async function getSession(
  store: ScyllaStore,
  tenant: string,
  sessionId: string,
): Promise<{ session: Session; user: User } | null> {
  const session = await store.documents.get<SessionDocument>('sessions', tenant, sessionId);
  const user = await ownerOf(store, tenant, session);
  return session === null || user === null ? null : { session: toSession(session), user: toUser(user) };
}

/** See `Accounts.rotateSession`. */
export const rotateSession = (
  store: ScyllaStore,
  tenant: string,
  sessionId: string,
  { from, to, expiresAt }: { readonly from: string; readonly to: string; readonly expiresAt: number },
  options: CallOptions | undefined,
): Promise<'rotated' | 'reused' | 'gone'> =>
  store.documents.change<SessionDocument, 'rotated' | 'reused' | 'gone'>(
    'sessions',
    tenant,
    sessionId,
    async (current) => {
      if (current === null || (await ownerOf(store, tenant, current)) === null) {
        return { next: undefined, result: 'gone' };
      }
      if (current.refreshDigest !== from) return { next: null, result: 'reused' };
      return {
        next: { ...current, refreshDigest: to, expiresAt },
        ttl: secondsUntil(expiresAt, store.now()),
        result: 'rotated',
      };
    },
    options,
  );

export const endSession = (
  store: ScyllaStore,
  tenant: string,
  sessionId: string,
  options: CallOptions | undefined,
): Promise<boolean> =>
  store.documents.change<SessionDocument, boolean>(
    'sessions',
    tenant,
    sessionId,
    async (current) =>
      current === null
        ? { next: undefined, result: false }
        : { next: null, result: (await ownerOf(store, tenant, current)) !== null },
    options,
  );

/** The user of a session; null when the session is no longer valid. */
async function ownerOf(
  store: ScyllaStore,
  tenant: string,
  session: SessionDocument | null,
): Promise<UserDocument | null> {
  if (session === null || session.expiresAt <= store.now()) return null;
  const user = await read(store, tenant, session.userId);
  return user !== null && isOfEra(session, user) ? user : null;
}

const isOfEra = ({ sessionId, userId, era }: SessionDocument, user: UserDocument): boolean =>
  userId === user.userId && (era === user.era || sessionId === user.kept);

const secondsUntil = (expiresAt: number, now: number): number =>
  Math.min(Math.max(Math.ceil((expiresAt - now) / 1000), 0) + marginSeconds, mostSeconds);

/** Rows of an earlier version have no `endsWith`. */
const toUser = ({ order: _, era: __, kept: ___, ...user }: UserDocument): User => ({
  ...user,
  endsWith: user.endsWith ?? null,
});
const toSession = ({ era: _, ...session }: SessionDocument): Session => session;
