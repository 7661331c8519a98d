import * as z from 'zod';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'log-out',
    summary: 'Log out',
    description:
      'The login of the token ends. Its access token and its refresh token are invalid at once. A service key has no login: revoke the key instead. A user of an outside issuer logs out at that issuer.',
    tag: 'auth',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/auth/logout', scope: 'signed-in' },
    output: z.object({ ended: z.boolean() }),
    examples: { response: { ended: true } },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ principal, tenant, signal }, { accounts }) => {
    const sessionId = principal?.sessionId ?? null;
    if (sessionId === null)
      throw new AppError('FORBIDDEN', {
        message:
          'You have no login here. If you use a service key, revoke the key. If you use an outside issuer, log out there.',
      });
    return { data: { ended: await accounts.endSession(tenant, sessionId, { signal }) } };
  },
);
