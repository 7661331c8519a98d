import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { versionTag } from '../../shared/api/if-match.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { callerOf, requireOwnTenant } from '../../shared/identity/caller.ts';

export default defineFunction(
  {
    name: 'get-tenant',
    summary: 'Show a tenant',
    description: 'You can read your own tenant. You need the scope `tenants:manage` to read another tenant.',
    tag: 'tenants',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/tenants/{tenant}', scope: 'tenant:manage' },
    params: z.object({ tenant: wire.tenantId }),
    output: wire.tenant,
    errors: ['TENANT_NOT_FOUND'],
    examples: { response: examples.tenant },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ params, principal, tenant: own, signal }, { accounts }) => {
    const tenant = wire.toTenant(params.tenant);
    requireOwnTenant(callerOf(principal), own, tenant);
    const found = await accounts.getTenant(tenant, { signal });
    if (found === null) throw new AppError('TENANT_NOT_FOUND');
    return { data: wire.presentTenant(found), headers: { etag: versionTag(found) } };
  },
);
