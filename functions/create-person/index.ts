import * as z from 'zod';
import * as wire from '../../shared/api/gallery.ts';
import { outboxEntry } from '../../shared/events/catalogue.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { checkQuota } from '../../shared/gallery/quota.ts';
import { tenantRules } from '../../shared/gallery/tenant-rules.ts';

export default defineFunction(
  {
    name: 'create-person',
    summary: 'Create a person',
    tag: 'persons',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/persons', scope: 'persons:write' },
    body: z.object({
      person_id: wire.personId.optional().describe('Id of the person. When absent, the platform creates a UUID.'),
      external_id: wire.externalId.nullish(),
      name: wire.personFields.name.nullish(),
      metadata: wire.personFields.metadata.optional(),
      consent: wire.consent.nullish(),
    }),
    output: wire.person,
    status: 201,
    errors: ['PERSON_EXISTS', 'EXTERNAL_ID_TAKEN', 'QUOTA_EXCEEDED'],
    examples: { request: { external_id: 'ada', name: 'Ada Lovelace', metadata: { team: 'engines' } } },
    uses: ['records', 'accounts'],
    emits: ['freeface.person.created.v1'],
    ...sizes.record,
  },
  async ({ body, tenant, signal, clock, newId, traceparent }, { records, accounts }) => {
    const personId = body.person_id ?? newId();
    const notice = outboxEntry('freeface.person.created.v1', {
      id: newId(),
      at: clock.now(),
      tenant,
      traceparent,
      key: personId,
      data: { person_id: personId },
    });
    const { quota } = await tenantRules({ tenant, clock, signal }, { accounts });
    await checkQuota(tenant, quota, async () => ({ persons: 1 }), { records }, { signal });
    const person = await records.createPerson(
      tenant,
      {
        personId,
        externalId: body.external_id ?? null,
        name: body.name ?? null,
        metadata: wire.asJsonObject(body.metadata),
        consent: body.consent ?? null,
      },
      { outbox: [notice], signal },
    );
    return {
      data: wire.presentPerson(person),
      headers: { location: `/api/v1/persons/${personId}`, etag: wire.personTag(person) },
    };
  },
);
