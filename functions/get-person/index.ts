import * as z from 'zod';
import { AppError } from '../../shared/errors.ts';
import * as wire from '../../shared/http/wire.ts';
import { defineFunction } from '../../shared/runtime/define.ts';

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
    resources: { cpu: '100m', memory: '128Mi' },
    scale: { min: 0, max: 10 },
    concurrency: 80,
    timeoutSeconds: 10,
  },
  async ({ params, tenant, signal }, { records }) => {
    const [person] = await records.getPersons(tenant, [params.person_id], { signal });
    if (person === undefined) throw new AppError('PERSON_NOT_FOUND');
    return { data: wire.presentPerson(person), headers: { etag: wire.personTag(person) } };
  },
);
