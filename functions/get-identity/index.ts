import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { presentTimeOrNull } from '../../shared/api/gallery.ts';
import { scopes } from '../../shared/domain/access.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { callerOf } from '../../shared/identity/caller.ts';

export default defineFunction(
  {
    name: 'get-identity',
    summary: 'Show who you are and what you may do',
    tag: 'auth',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/auth/me', scope: 'signed-in' },
    output: z.object({
      kind: z.enum(['user', 'key', 'outside']).describe('A user, a service key, or a user of an outside issuer.'),
      id: z.string(),
      name: z.string(),
      username: z.string().nullable().describe('Of a user.'),
      tenant: z.string(),
      role: wire.role.nullable(),
      scopes: z.array(wire.scope),
      expires_at: z
        .string()
        .nullable()
        .describe('When the key ends, or the login unless it is refreshed; null: never, or not known here.'),
    }),
    examples: { response: examples.identity },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ principal, tenant, signal }, { accounts }) => {
    const { kind, id, name, role, scopes: granted, sessionId } = callerOf(principal);
    const key = kind === 'key' ? await accounts.getApiKey(tenant, id, { signal }) : null;
    const login = sessionId === null ? null : await accounts.getSession(tenant, sessionId, { signal });
    return {
      data: {
        kind,
        id,
        name,
        username: login?.user.username ?? null,
        tenant,
        role,
        scopes: scopes.filter((scope) => granted.has(scope)),
        expires_at: presentTimeOrNull(key?.expiresAt ?? login?.session.expiresAt ?? null),
      },
    };
  },
);
