import * as z from 'zod';
import * as wire from '../../shared/api/gallery.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'get-person',
    summary: 'Show a person',
    tag: 'persons',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/persons/{person_id}', scope: 'persons:read' },
    params: z.object({ person_id: wire.personId }),
    output: wire.person,
    errors: ['PERSON_NOT_FOUND'],
    uses: ['records'],
    ...sizes.record,
  },
  async ({ params, tenant, signal }, { records }) => {
    const [person] = await records.getPersons(tenant, [params.person_id], { signal });
    if (person === undefined) throw new AppError('PERSON_NOT_FOUND');
    return { data: wire.presentPerson(person), headers: { etag: wire.personTag(person) } };
  },
);
