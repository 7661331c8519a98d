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
      kind: z
        .enum(['user', 'key', 'outside'])
        .describe('user: a user of this platform; key: a service key; outside: a user of an outside issuer.'),
      id: z.string(),
      name: z.string(),
      username: z.string().nullable().describe('null unless `kind` is user.'),
      tenant: z.string(),
      role: wire.role.nullable(),
      scopes: z.array(wire.scope),
      expires_at: z
        .string()
        .nullable()
        .describe(
          'When the key expires, or when the login ends if it is not refreshed. null if this never happens or the platform does not know the time.',
        ),
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
