import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { versionTag } from '../../shared/api/if-match.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'get-user',
    summary: 'Show a user',
    tag: 'users',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/users/{user_id}', scope: 'users:manage' },
    params: z.object({ user_id: wire.userId }),
    output: wire.user,
    errors: ['USER_NOT_FOUND'],
    examples: { response: examples.user },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ params, tenant, signal }, { accounts }) => {
    const user = await accounts.getUser(tenant, params.user_id, { signal });
    if (user === null) throw new AppError('USER_NOT_FOUND');
    return { data: wire.presentUser(user), headers: { etag: versionTag(user) } };
  },
);
