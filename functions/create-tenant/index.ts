import * as z from 'zod';
import * as examples from '../../shared/api/accounts.examples.ts';
import * as wire from '../../shared/api/accounts.ts';
import { versionTag } from '../../shared/api/if-match.ts';
import { scopesOfRole } from '../../shared/domain/access.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { newApiKey } from '../../shared/identity/api-keys.ts';
import { actorOf, callerOf, requireRole } from '../../shared/identity/caller.ts';

const unlimited = { persons: null, faces: null, bytes: null };
const neverExpires = { imagesDays: null, unknownFacesDays: null };

export default defineFunction(
  {
    name: 'create-tenant',
    summary: 'Create a tenant and its first admin key',
    description:
      'The key has every scope within the tenant and does not expire. Only this response shows it. The tenant uses it to create its users and more keys.',
    tag: 'tenants',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/tenants', scope: 'tenants:manage' },
    body: z.object({
      tenant: wire.tenantId,
      name: wire.tenantName,
      quota: wire.quota.optional(),
      consent_required: wire.consentRequired.default(false),
      retention: wire.retention.optional(),
      time_zone: wire.timeZone.default(null),
    }),
    output: z.object({ tenant: wire.tenant, api_key: wire.apiKey.extend({ key: wire.secretKey }) }),
    secret: true,
    status: 201,
    errors: ['TENANT_EXISTS'],
    examples: {
      request: {
        tenant: 'north',
        name: 'North site',
        quota: { persons: 5000 },
        consent_required: true,
        time_zone: 'Europe/Berlin',
      },
      response: {
        tenant: examples.tenant,
        api_key: {
          ...examples.apiKey,
          name: 'first admin key',
          scopes: scopesOfRole.admin,
          expires_at: null,
          key: 'ffk.north.v6rCfhPlhyx2.t26g…',
        },
      },
    },
    uses: ['accounts'],
    ...sizes.record,
  },
  async ({ body, principal, signal }, { accounts }) => {
    const caller = callerOf(principal);
    requireRole(caller, 'admin');
    const tenant = wire.toTenant(body.tenant);
    const { key, keyId, secretDigest } = newApiKey(tenant);
    const firstKey = {
      keyId,
      name: 'first admin key',
      scopes: scopesOfRole.admin,
      secretDigest,
      createdBy: actorOf(caller),
      expiresAt: null,
    };
    const created = await accounts.createTenant(
      {
        tenant,
        name: body.name,
        quota: wire.mergedQuota(unlimited, body.quota),
        consentRequired: body.consent_required,
        retention: wire.mergedRetention(neverExpires, body.retention),
        timeZone: body.time_zone,
      },
      { firstKey, signal },
    );
    const stored = { ...firstKey, endsWith: null, createdAt: created.createdAt, revokedAt: null };
    return {
      data: { tenant: wire.presentTenant(created), api_key: { ...wire.presentApiKey(stored), key } },
      headers: { ...wire.notStored, location: `/api/v1/tenants/${tenant}`, etag: versionTag(created) },
    };
  },
);
