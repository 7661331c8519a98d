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
      'Removes the face, its template, cached answers, and its image when no other face is on it; then reads back that all is gone.',
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
