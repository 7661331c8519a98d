import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { versionTag } from '../../shared/api/if-match.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { callerOf, requireRole } from '../../shared/identity/caller.ts';
import { lineageOf } from '../../shared/identity/lineage.ts';
import { hashPassword } from '../../shared/identity/passwords.ts';

export default defineFunction(
  {
    name: 'create-user',
    summary: 'Create a user',
    description:
      'You set the first password, which the user should change. You can give a role only if you have all of its scopes. If you use a key that expires, the user ends with this key (`ends_with_key`) until an owner confirms the user with PUT /api/v1/users/{user_id}.',
    tag: 'users',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/users', scope: 'users:manage' },
    body: z.object({
      username: wire.username,
      name: wire.userName.optional().describe('Display name. When absent, it is the username.'),
      role: wire.role,
      password: wire.newPassword,
      disabled: z.boolean().default(false).describe('A disabled user cannot log in.'),
    }),
    output: wire.user,
    status: 201,
    errors: ['USER_EXISTS', 'TENANT_NOT_FOUND', 'BUSY'],
    examples: {
      request: { username: 'ada', name: 'Ada Lovelace', role: 'operator', password: 'three purple umbrellas' },
      response: examples.user,
    },
    uses: ['accounts'],
    ...sizes.login,
  },
  async ({ body, principal, tenant, clock, signal, newId }, { accounts }) => {
    const caller = callerOf(principal);
    requireRole(caller, body.role);
    wire.checkNewPassword(body.password, body, 'password');
    const lineage = await lineageOf(caller, tenant, { accounts, now: clock.now(), signal });
    const user = await accounts.createUser(
      tenant,
      {
        userId: newId(),
        username: body.username,
        name: body.name ?? body.username,
        role: body.role,
        passwordHash: await hashPassword(body.password, signal),
        disabled: body.disabled,
        // A key that does not expire may be replaced some day; the users that it created stay.
        endsWith: caller.kind === 'key' && lineage.expiresAt === null ? null : lineage.keyId,
      },
      { signal },
    );
    return {
      data: wire.presentUser(user),
      headers: { location: `/api/v1/users/${user.userId}`, etag: versionTag(user) },
    };
  },
);
