import * as z from 'zod';
import * as wire from '../../shared/api/gallery.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { erasePersonWithReceipt, receiptSchema } from '../../shared/gallery/receipt.ts';

export default defineFunction(
  {
    name: 'erase-person',
    summary: 'Erase a person',
    description:
      'The platform deletes the person with all faces, templates, enrolment jobs and cached results, and the images that show no other enrolled face. Then it checks in every store that nothing is left, and returns a signed receipt. A search right after the response does not find the person. The audit log keeps the ids as proof.',
    tag: 'persons',
    trigger: { kind: 'http', method: 'DELETE', path: '/api/v1/persons/{person_id}', scope: 'persons:write' },
    params: z.object({ person_id: wire.personId }),
    output: z.object({ person_id: z.string(), erased: wire.erased, receipt: receiptSchema }),
    errors: ['PERSON_NOT_FOUND'],
    uses: ['records', 'vectors', 'images', 'accounts'],
    emits: ['freeface.person.erased.v1'],
    ...sizes.erasure,
  },
  async ({ params, ...call }, ports) => {
    const { erased, receipt, audit } = await erasePersonWithReceipt(params.person_id, call, ports);
    return { data: { person_id: params.person_id, erased: wire.presentErased(erased), receipt }, audit };
  },
);
