import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { callerOf, requireRole } from '../../shared/identity/caller.ts';

export default defineFunction(
  {
    name: 'delete-user',
    summary: 'Delete a user',
    description:
      'All logins of the user end. Service keys that the user created stay valid: revoke them separately. You can also delete the last admin, because the operator of the platform has the admin key.',
    tag: 'users',
    trigger: { kind: 'http', method: 'DELETE', path: '/api/v1/users/{user_id}', scope: 'users:manage' },
    params: z.object({ user_id: wire.userId }),
    output: z.object({ user_id: z.string() }),
    errors: ['USER_NOT_FOUND'],
    examples: { response: { user_id: examples.user.user_id } },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ params, principal, tenant, signal }, { accounts }) => {
    const user = await accounts.getUser(tenant, params.user_id, { signal });
    if (user === null) throw new AppError('USER_NOT_FOUND');
    requireRole(callerOf(principal), user.role);
    if (!(await accounts.deleteUser(tenant, user.userId, { signal }))) throw new AppError('USER_NOT_FOUND');
    return { data: { user_id: user.userId } };
  },
);
