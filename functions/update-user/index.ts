import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { versionTag, versionToReplace } from '../../shared/api/if-match.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { callerOf, requireRole } from '../../shared/identity/caller.ts';
import { hashPassword } from '../../shared/identity/passwords.ts';

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
      password: wire.newPassword.optional(),
    }),
    output: wire.user,
    errors: ['USER_NOT_FOUND', 'VERSION_CONFLICT', 'BUSY'],
    examples: { request: { role: 'viewer' }, response: { ...examples.user, role: 'viewer', version: 2 } },
    uses: ['accounts'],
    ...sizes.login,
  },
  async ({ params, body, headers, principal, tenant, signal }, { accounts }) => {
    const caller = callerOf(principal);
    wire.refuseNothing(body, 'name, role, disabled or password');
    const { password, ...given } = body;
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
    const user = await accounts.updateUser(
      tenant,
      before.userId,
      { ...defined(given), ...(password === undefined ? {} : { passwordHash: await hashPassword(password, signal) }) },
      // The rights of the caller were checked against the role in this version, so it must still be the stored one.
      { version: versionToReplace(headers, before), signal },
    );
    return { data: wire.presentUser(user), headers: { etag: versionTag(user) } };
  },
);

type Defined<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

const defined = <Fields extends object>(fields: Fields): Defined<Fields> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<Fields>;
