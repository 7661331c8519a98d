import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { versionTag, versionToReplace } from '../../shared/api/if-match.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { callerOf, requireRole } from '../../shared/identity/caller.ts';
import { lifeWith, lineageOf } from '../../shared/identity/lineage.ts';
import { hashPassword } from '../../shared/identity/passwords.ts';
import { defaultTenant } from '../../shared/ports/tenant.ts';

export default defineFunction(
  {
    name: 'update-user',
    summary: 'Change a user or set a new password',
    description:
      'A given field replaces the stored value. All logins of the user end if you set a new password, change the role or disable the user. You need all scopes of the old role and of the new role. To protect the changes of other clients, send `If-Match` with the `ETag` from your last read of the user. If the user has changed since then, the response is 412.',
    tag: 'users',
    trigger: { kind: 'http', method: 'PUT', path: '/api/v1/users/{user_id}', scope: 'users:manage' },
    params: z.object({ user_id: wire.userId }),
    body: z.object({
      name: wire.userName.optional(),
      role: wire.role.optional(),
      disabled: z.boolean().optional().describe('A disabled user cannot log in.'),
      password: wire.newPassword
        .optional()
        .describe('A key that expires cannot set the password of a user that stays longer than the key.'),
      confirmed: z
        .literal(true)
        .optional()
        .describe(
          'The user stays when the key ends that created the user (`ends_with_key`). Only an owner can confirm a user. In a tenant other than `default`, which has no owner, an admin can. The caller itself must not depend on a key that expires.',
        ),
    }),
    output: wire.user,
    errors: ['USER_NOT_FOUND', 'VERSION_CONFLICT', 'BUSY'],
    examples: { request: { role: 'viewer' }, response: { ...examples.user, role: 'viewer', version: 2 } },
    uses: ['accounts'],
    ...sizes.login,
  },
  async ({ params, body, headers, principal, tenant, clock, signal }, { accounts }) => {
    const caller = callerOf(principal);
    wire.refuseNothing(body, 'name, role, disabled, password or confirmed');
    const { password, confirmed, ...given } = body;
    const before = await accounts.getUser(tenant, params.user_id, { signal });
    if (before === null) throw new AppError('USER_NOT_FOUND');
    requireRole(caller, before.role);
    if (given.role !== undefined) requireRole(caller, given.role);
    if (password !== undefined) {
      // A stranger at an unlocked screen must not be able to set a new password, so a user must send the old one too.
      if (caller.kind === 'user' && caller.id === before.userId)
        throw new AppError('FORBIDDEN', { message: 'Change your own password with POST /api/v1/auth/password.' });
      wire.checkNewPassword(password, before, 'password');
    }
    if (password !== undefined || confirmed) {
      const deps = { accounts, now: clock.now(), signal };
      const own = await lineageOf(caller, tenant, deps);
      if (confirmed) {
        requireRole(caller, tenant === defaultTenant ? 'owner' : 'admin');
        if (own.expiresAt !== null)
          throw new AppError('FORBIDDEN', {
            message: 'You depend on a key that expires, so you cannot confirm a user.',
          });
      }
      // Otherwise the holder of a key could log in as this user after the key has expired.
      const life = confirmed ? { expiresAt: null } : await lifeWith(before.endsWith, tenant, deps);
      if (password !== undefined && own.expiresAt !== null && (life.expiresAt ?? Infinity) > own.expiresAt)
        throw new AppError('FORBIDDEN', {
          message: 'You depend on a key that expires before this user, so you cannot set a password.',
        });
    }
    const user = await accounts.updateUser(
      tenant,
      before.userId,
      {
        ...defined(given),
        ...(confirmed ? { endsWith: null } : {}),
        ...(password === undefined ? {} : { passwordHash: await hashPassword(password, signal) }),
      },
      // The rights of the caller were checked against the role in this version, so it must still be the stored one.
      { version: versionToReplace(headers, before), signal },
    );
    return { data: wire.presentUser(user), headers: { etag: versionTag(user) } };
  },
);

type Defined<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

const defined = <Fields extends object>(fields: Fields): Defined<Fields> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<Fields>;
