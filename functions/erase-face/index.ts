import * as z from 'zod';
import * as wire from '../../shared/api/gallery.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { eraseFace } from '../../shared/gallery/erase.ts';

export default defineFunction(
  {
    name: 'erase-face',
    summary: 'Erase an enrolled face',
    description:
      'The platform deletes the face, its template and the cached results, and its image if no other enrolled face is on it. Then it checks in every store that nothing is left.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'DELETE', path: '/api/v1/faces/{face_id}', scope: 'faces:write' },
    params: z.object({ face_id: wire.faceId }),
    output: z.object({ face_id: z.string(), erased: wire.erased }),
    errors: ['FACE_NOT_FOUND'],
    uses: ['records', 'vectors', 'images'],
    emits: ['freeface.face.erased.v1'],
    ...sizes.erasure,
  },
  async ({ params, ...call }, ports) => {
    const erased = await eraseFace(params.face_id, call, ports);
    return {
      data: { face_id: params.face_id, erased: wire.presentErased(erased) },
      audit: {
        about: { person_id: erased.personId, image_ids: erased.imageIds },
        details: { templates: erased.vectors, images: erased.images },
      },
    };
  },
);
