import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { refreshSession } from '../../shared/identity/sessions.ts';

export default defineFunction(
  {
    name: 'refresh-session',
    summary: 'Exchange a refresh token for new tokens',
    description:
      'A refresh token is valid for one use. If a client sends a refresh token a second time, the login ends and all its tokens become invalid, because this means that the token was stolen. A login ends if it is not refreshed for 14 days, and after 90 days in any case.',
    tag: 'auth',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/auth/refresh', scope: null },
    rateLimit: 'login',
    body: z.object({ refresh_token: z.string().min(1).max(256) }),
    output: wire.tokens,
    secret: true,
    errors: ['UNAUTHENTICATED', 'NOT_READY'],
    examples: {
      request: { refresh_token: examples.tokens.refresh_token },
      response: examples.tokens,
    },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ body, clock, signal }, { accounts }) => {
    const session = await refreshSession(body.refresh_token, { accounts, clock, signal });
    return { data: wire.presentTokens(session), headers: wire.notStored };
  },
);
