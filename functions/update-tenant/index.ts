import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { versionTag, versionToReplace } from '../../shared/api/if-match.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { callerOf, requireGrant, requireOwnTenant } from '../../shared/identity/caller.ts';

export default defineFunction(
  {
    name: 'update-tenant',
    summary: 'Change the settings of a tenant',
    description:
      'A given field replaces the stored value, also inside `quota` and `retention`. null removes a limit. You can change your own tenant. You need the scope `tenants:manage` to change another tenant or a quota. To protect the changes of other clients, send `If-Match` with the `ETag` from your last read of the tenant. If the tenant has changed since then, the response is 412.',
    tag: 'tenants',
    trigger: { kind: 'http', method: 'PUT', path: '/api/v1/tenants/{tenant}', scope: 'tenant:manage' },
    params: z.object({ tenant: wire.tenantId }),
    body: z.object({
      name: wire.tenantName.optional(),
      quota: wire.quota.optional(),
      consent_required: wire.consentRequired.optional(),
      retention: wire.retention.optional(),
      time_zone: wire.timeZone.optional(),
    }),
    output: wire.tenant,
    errors: ['TENANT_NOT_FOUND', 'VERSION_CONFLICT'],
    examples: {
      request: { consent_required: true, retention: { images_days: 90 } },
      response: { ...examples.tenant, retention: { images_days: 90, unknown_faces_days: null }, version: 2 },
    },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ params, body, headers, principal, tenant: own, signal }, { accounts }) => {
    wire.refuseNothing(body, 'name, quota, consent_required, retention or time_zone');
    const tenant = wire.toTenant(params.tenant);
    const caller = callerOf(principal);
    requireOwnTenant(caller, own, tenant);
    if (body.quota !== undefined) requireGrant(caller, ['tenants:manage']);
    const before = await accounts.getTenant(tenant, { signal });
    if (before === null) throw new AppError('TENANT_NOT_FOUND');
    const changed = await accounts.updateTenant(
      tenant,
      {
        name: body.name ?? before.name,
        quota: wire.mergedQuota(before.quota, body.quota),
        consentRequired: body.consent_required ?? before.consentRequired,
        retention: wire.mergedRetention(before.retention, body.retention),
        timeZone: body.time_zone === undefined ? before.timeZone : body.time_zone,
      },
      // The changes were merged with this version, so it must still be the stored one.
      { version: versionToReplace(headers, before), signal },
    );
    return { data: wire.presentTenant(changed), headers: { etag: versionTag(changed) } };
  },
);
