import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { callerOf, requireGrant } from '../../shared/identity/caller.ts';

export default defineFunction(
  {
    name: 'revoke-api-key',
    summary: 'Revoke a service key',
    description:
      'The key becomes invalid at once and permanently, together with all keys that were created with it, and with users that end with it (`ends_with_key`). Its record stays in the list.',
    tag: 'keys',
    trigger: { kind: 'http', method: 'DELETE', path: '/api/v1/api_keys/{key_id}', scope: 'users:manage' },
    params: z.object({ key_id: wire.keyId }),
    output: wire.apiKey,
    errors: ['API_KEY_NOT_FOUND'],
    examples: { response: { ...examples.apiKey, revoked_at: '2026-06-01T10:00:00.000Z' } },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ params, principal, tenant, signal }, { accounts }) => {
    const key = await accounts.getApiKey(tenant, params.key_id, { signal });
    if (key === null) throw new AppError('API_KEY_NOT_FOUND');
    requireGrant(callerOf(principal), key.scopes);
    const revoked = await accounts.revokeApiKey(tenant, key.keyId, { signal });
    return { data: wire.presentApiKey(revoked ?? key) };
  },
);
