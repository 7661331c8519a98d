import * as z from 'zod';
import * as wire from '../../shared/api/gallery.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'get-person-by-external-id',
    summary: 'Show the person with an external id',
    tag: 'persons',
    trigger: {
      kind: 'http',
      method: 'GET',
      path: '/api/v1/persons/by_external_id/{external_id}',
      scope: 'persons:read',
    },
    params: z.object({ external_id: wire.externalId }),
    output: wire.person,
    errors: ['PERSON_NOT_FOUND'],
    uses: ['records'],
    ...sizes.record,
  },
  async ({ params, tenant, signal }, { records }) => {
    const [person] = await records.getPersonsByExternalIds(tenant, [params.external_id], { signal });
    if (person === undefined)
      throw new AppError('PERSON_NOT_FOUND', { message: `There is no person with external_id ${params.external_id}.` });
    return {
      message: `Person found for external_id: ${params.external_id}`,
      data: wire.presentPerson(person),
      headers: { etag: wire.personTag(person) },
    };
  },
);
