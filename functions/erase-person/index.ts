import * as z from 'zod';
import { erasePerson } from '../../shared/gallery/erase.ts';
import * as wire from '../../shared/http/wire.ts';
import { defineFunction } from '../../shared/runtime/define.ts';
import { sizes } from '../../shared/runtime/sizes.ts';

export default defineFunction(
  {
    name: 'erase-person',
    summary: 'Erase a person',
    description:
      'Removes the person, all faces and templates, images that nobody else is on, and cached answers; then reads back that all is gone. A search right after finds nothing.',
    tag: 'persons',
    trigger: { kind: 'http', method: 'DELETE', path: '/api/v1/persons/{person_id}', scope: 'persons:write' },
    params: z.object({ person_id: wire.personId }),
    output: z.object({ person_id: z.string(), erased: wire.erased }),
    errors: ['PERSON_NOT_FOUND'],
    uses: ['records', 'vectors', 'images', 'cache'],
    emits: ['freeface.person.erased.v1'],
    ...sizes.erasure,
  },
  async ({ params, ...call }, ports) => ({
    data: { person_id: params.person_id, erased: await erasePerson(params.person_id, call, ports) },
  }),
);
