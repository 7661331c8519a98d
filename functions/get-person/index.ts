import * as z from 'zod';
import * as wire from '../../shared/api/gallery.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { absentPerson } from '../../shared/gallery/absent-person.ts';

export default defineFunction(
  {
    name: 'get-person',
    summary: 'Show a person',
    tag: 'persons',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/persons/{person_id}', scope: 'persons:read' },
    params: z.object({ person_id: wire.personId }),
    output: wire.person,
    errors: ['PERSON_NOT_FOUND', 'PERSON_ERASED'],
    uses: ['records'],
    ...sizes.record,
  },
  async ({ params, ...call }, { records }) => {
    const [person] = await records.getPersons(call.tenant, [params.person_id], { signal: call.signal });
    if (person === undefined) throw await absentPerson(params.person_id, call, { records });
    return { data: wire.presentPerson(person), headers: { etag: wire.personTag(person) } };
  },
);
