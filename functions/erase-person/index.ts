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
      'Removes the person, all faces and templates, images that nobody else is on, enrolments that wait, and cached answers; then reads back that all is gone and gives a signed receipt. A search right after finds nothing. The audit log keeps the ids, as proof.',
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
