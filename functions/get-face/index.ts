import * as z from 'zod';
import * as wire from '../../shared/api/gallery.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'get-face',
    summary: 'Show an enrolled face',
    tag: 'faces',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/faces/{face_id}', scope: 'faces:read' },
    params: z.object({ face_id: wire.faceId }),
    output: wire.face,
    errors: ['FACE_NOT_FOUND'],
    uses: ['records'],
    ...sizes.record,
  },
  async ({ params, tenant, signal }, { records }) => {
    const [face] = await records.getFaces(tenant, [params.face_id], { signal });
    if (face === undefined) throw new AppError('FACE_NOT_FOUND');
    return { data: wire.presentFace(face) };
  },
);
