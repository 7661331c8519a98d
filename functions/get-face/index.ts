import * as z from 'zod';
import { AppError } from '../../shared/errors.ts';
import * as wire from '../../shared/http/wire.ts';
import { defineFunction } from '../../shared/runtime/define.ts';

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
    resources: { cpu: '100m', memory: '128Mi' },
    scale: { min: 0, max: 10 },
    concurrency: 80,
    timeoutSeconds: 10,
  },
  async ({ params, tenant, signal }, { records }) => {
    const [face] = await records.getFaces(tenant, [params.face_id], { signal });
    if (face === undefined) throw new AppError('FACE_NOT_FOUND');
    return { data: wire.presentFace(face) };
  },
);
