import * as z from 'zod';
import * as wire from '../../shared/api/gallery.ts';
import { expectedVersion } from '../../shared/api/if-match.ts';
import { AppError } from '../../shared/errors.ts';
import { outboxEntry } from '../../shared/events/catalogue.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import type { PersonChanges } from '../../shared/ports/records/persons.ts';

const body = z
  .object({
    external_id: wire.externalId.nullish(),
    name: wire.personFields.name.nullish(),
    metadata: wire.personFields.metadata.optional(),
    consent: wire.consent.nullish(),
  })
  .describe('A given field replaces the stored value. null clears the field. Other fields stay.');

export default defineFunction(
  {
    name: 'update-person',
    summary: 'Change a person',
    description:
      'To protect the changes of other clients, send `If-Match` with the `ETag` from your last read of the person. If the person has changed since then, the response is 412.',
    tag: 'persons',
    trigger: { kind: 'http', method: 'PUT', path: '/api/v1/persons/{person_id}', scope: 'persons:write' },
    params: z.object({ person_id: wire.personId }),
    body,
    output: wire.person,
    errors: ['PERSON_NOT_FOUND', 'EXTERNAL_ID_TAKEN', 'VERSION_CONFLICT'],
    examples: { request: { name: 'Ada King', metadata: { team: 'engines' } } },
    uses: ['records'],
    emits: ['freeface.person.updated.v1'],
    ...sizes.record,
  },
  async ({ params, body, headers, tenant, signal, clock, newId, traceparent }, { records }) => {
    const changes = changesOf(body);
    const [before] = await records.getPersons(tenant, [params.person_id], { signal });
    if (before === undefined) throw new AppError('PERSON_NOT_FOUND');
    const version = expectedVersion(headers);
    const notice = outboxEntry('freeface.person.updated.v1', {
      id: newId(),
      at: clock.now(),
      tenant,
      traceparent,
      key: params.person_id,
      data: { person_id: params.person_id, version: before.version + 1 },
    });
    const person = await records.updatePerson(tenant, params.person_id, changes, { version, outbox: [notice], signal });
    return { data: wire.presentPerson(person), headers: { etag: wire.personTag(person) } };
  },
);

function changesOf({ external_id: externalId, name, metadata, consent }: z.output<typeof body>): PersonChanges {
  const changes: PersonChanges = {
    ...(externalId === undefined ? {} : { externalId }),
    ...(name === undefined ? {} : { name }),
    ...(metadata === undefined ? {} : { metadata: wire.asJsonObject(metadata) }),
    ...(consent === undefined ? {} : { consent }),
  };
  if (Object.keys(changes).length > 0) return changes;
  throw new AppError('VALIDATION_FAILED', {
    message: 'Nothing to change: give external_id, name, metadata or consent.',
    details: [{ field: 'name', issue: 'is required unless external_id, metadata or consent is given' }],
  });
}
