import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { tryPassword } from '../../shared/identity/lockout.ts';
import { hashPassword, verifyPassword } from '../../shared/identity/passwords.ts';

export default defineFunction(
  {
    name: 'change-password',
    summary: 'Change your own password',
    description:
      'This login continues. Every other login of the user ends. A wrong old password counts as a failed login, so several of them lock the account.',
    tag: 'auth',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/auth/password', scope: 'signed-in' },
    rateLimit: 'login',
    body: z.object({ old_password: wire.password, new_password: wire.newPassword }),
    output: wire.user,
    errors: ['LOGIN_FAILED', 'LOGIN_LOCKED', 'VERSION_CONFLICT', 'USER_NOT_FOUND', 'BUSY'],
    examples: {
      request: { old_password: 'three purple umbrellas', new_password: 'four yellow bicycles' },
      response: { ...examples.user, version: 2 },
    },
    uses: ['accounts', 'cache'],
    ...sizes.login,
  },
  async ({ body, principal, tenant, clock, signal }, { accounts, cache }) => {
    if (principal?.kind !== 'user')
      throw new AppError('FORBIDDEN', {
        message: 'Only a user of this platform has a password here. Use the access token of a user.',
      });
    const user = await accounts.getUser(tenant, principal.id, { signal });
    if (user === null) throw new AppError('UNAUTHENTICATED');
    wire.checkNewPassword(body.new_password, user, 'new_password');
    if (body.new_password === body.old_password) wire.refuseField('new_password', 'must differ from the old password');

    await tryPassword({ tenant, username: user.username, exists: true }, { cache, clock }, async () =>
      (await verifyPassword(body.old_password, user.passwordHash, signal)) ? user : null,
    );
    const passwordHash = await hashPassword(body.new_password, signal);
    const changed = await accounts.updateUser(
      tenant,
      user.userId,
      { passwordHash },
      // The old password was checked against this version, so it must still be the stored one.
      { version: user.version, keepSession: principal.sessionId ?? undefined, signal },
    );
    return { data: wire.presentUser(changed) };
  },
);
