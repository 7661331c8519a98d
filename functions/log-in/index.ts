import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { logIn } from '../../shared/identity/sessions.ts';

export default defineFunction(
  {
    name: 'log-in',
    summary: 'Log in with username and password',
    description:
      'The response has a short-lived access token (see `expires_in`) and a refresh token. From the 5th failed login in a row on, the username is locked for 1, 2, 4 … seconds, up to 15 minutes. A username that does not exist is locked in the same way.',
    tag: 'auth',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/auth/login', scope: null },
    rateLimit: 'login',
    body: z.object({
      username: z.string().min(1).max(128),
      password: wire.password,
      tenant: wire.tenantId.default('default'),
    }),
    output: wire.tokens,
    secret: true,
    errors: ['LOGIN_FAILED', 'LOGIN_LOCKED', 'BUSY', 'NOT_READY'],
    examples: { request: { username: 'ada', password: 'three purple umbrellas' }, response: examples.tokens },
    uses: ['accounts', 'cache'],
    ...sizes.login,
  },
  async ({ body, clock, signal, newId }, { accounts, cache }) => {
    const claim = { ...body, tenant: wire.toTenant(body.tenant) };
    const session = await logIn(claim, { accounts, cache, clock, signal, newId });
    return { data: wire.presentTokens(session), headers: wire.notStored };
  },
);
