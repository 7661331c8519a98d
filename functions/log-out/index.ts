import * as z from 'zod';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'log-out',
    summary: 'End the login that the token belongs to',
    description:
      'Its access token and its refresh token are worth nothing from then on. A service key has no login, it is revoked instead; a user of an outside issuer logs out there.',
    tag: 'auth',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/auth/logout', scope: 'signed-in' },
    output: z.object({ ended: z.boolean() }),
    examples: { response: { ended: true } },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ principal, tenant, signal }, { accounts }) => {
    const sessionId = principal?.sessionId ?? null;
    if (sessionId === null) throw new AppError('FORBIDDEN', { message: 'There is no login of ours to end.' });
    return { data: { ended: await accounts.endSession(tenant, sessionId, { signal }) } };
  },
);
