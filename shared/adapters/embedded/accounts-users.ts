import { isDeepStrictEqual } from 'node:util';
import type { Role } from '../../domain/access.ts';
import { AppError } from '../../errors.ts';
import type { NewUser, User, UserChanges } from '../../ports/accounts.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { PageTokens } from '../page-token.ts';
import { type Numbered, pageOf } from './accounts-page.ts';
import { given, requireTenant } from './accounts-tenants.ts';
import type { Database } from './database.ts';

interface UserRow extends Numbered {
  user_id: string;
  username: string;
  name: string;
  role: Role;
  password_hash: string;
  disabled: number;
  ends_with: string | null;
  created_at: number;
  updated_at: number;
  version: number;
}

/** Inside a transaction. Errors: TENANT_NOT_FOUND, USER_EXISTS. */
export function create(database: Database, tenant: Tenant, user: NewUser, now: number): User {
  requireTenant(database, tenant);
  if (getByName(database, tenant, user.username) !== null || get(database, tenant, user.userId) !== null)
    throw new AppError('USER_EXISTS');
  database.run(
    `INSERT INTO users (tenant, user_id, username, name, role, password_hash, disabled, ends_with, created_at,
       updated_at, version)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
    [tenant, user.userId, user.username.toLowerCase(), ...changeableValues({ endsWith: null, ...user }), now, now],
  );
  return get(database, tenant, user.userId)!;
}

export const get = (database: Database, tenant: Tenant, userId: string): User | null =>
  userOrNull(database.get<UserRow>('SELECT * FROM users WHERE tenant = ? AND user_id = ?', [tenant, userId]));

export const getByName = (database: Database, tenant: Tenant, username: string): User | null =>
  userOrNull(
    database.get<UserRow>('SELECT * FROM users WHERE tenant = ? AND username = ?', [tenant, username.toLowerCase()]),
  );

export const list = (database: Database, tokens: PageTokens, tenant: Tenant, options: PageOptions): Page<User> =>
  pageOf<UserRow, User>(database, tokens, options, { table: 'users', tenant, toItem: toUser });

/** Inside a transaction. The version and the sessions stay if all values stay the same. Errors: USER_NOT_FOUND, VERSION_CONFLICT. */
export function update(
  database: Database,
  tenant: Tenant,
  userId: string,
  changes: UserChanges,
  { version, keepSession }: { version?: number | undefined; keepSession?: string | undefined },
  now: number,
): User {
  const before = get(database, tenant, userId);
  if (before === null) throw new AppError('USER_NOT_FOUND');
  if (version !== undefined && version !== before.version) throw new AppError('VERSION_CONFLICT');
  const after: User = { ...before, ...given(changes) };
  if (isDeepStrictEqual(before, after)) return before;
  database.run(
    `UPDATE users SET name = ?, role = ?, password_hash = ?, disabled = ?, ends_with = ?, updated_at = max(?, updated_at),
       version = version + 1
     WHERE tenant = ? AND user_id = ?`,
    [...changeableValues(after), now, tenant, userId],
  );
  if (after.passwordHash !== before.passwordHash || after.role !== before.role || after.disabled)
    endSessions(database, tenant, userId, keepSession);
  return get(database, tenant, userId)!;
}

/** Inside a transaction. Also deletes the user's sessions. */
export const remove = (database: Database, tenant: Tenant, userId: string): boolean =>
  database.run('DELETE FROM users WHERE tenant = ? AND user_id = ?', [tenant, userId]).changes > 0;

/** Deletes the user's sessions, except one. */
function endSessions(database: Database, tenant: Tenant, userId: string, except: string | undefined): void {
  database.run('DELETE FROM sessions WHERE tenant = ? AND user_id = ? AND session_id IS NOT ?', [
    tenant,
    userId,
    except ?? null,
  ]);
}

/** name, role, password_hash, disabled, ends_with */
const changeableValues = ({
  name,
  role,
  passwordHash,
  disabled,
  endsWith,
}: Required<UserChanges>): [string, string, string, number, string | null] => [
  name,
  role,
  passwordHash,
  Number(disabled),
  endsWith ?? null,
];

const userOrNull = (row: UserRow | undefined): User | null => (row === undefined ? null : toUser(row));

const toUser = (row: UserRow): User => ({
  userId: row.user_id,
  username: row.username,
  name: row.name,
  role: row.role,
  passwordHash: row.password_hash,
  disabled: row.disabled === 1,
  endsWith: row.ends_with,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  version: row.version,
});
