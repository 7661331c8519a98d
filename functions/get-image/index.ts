import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { deliverImage, imageParams, imageQuery, imageTypes } from '../../shared/gallery/deliver-image.ts';

export default defineFunction(
  {
    name: 'get-image',
    summary: 'Show an image',
    description: 'You can send the headers `Range` and `If-None-Match`.',
    tag: 'images',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/images/{image_id}', scope: 'images:read' },
    params: imageParams,
    query: imageQuery,
    output: { binary: imageTypes },
    errors: [
      'IMAGE_NOT_FOUND',
      'IMAGE_EXPIRED',
      'FACE_NOT_FOUND',
      'RANGE_NOT_SATISFIABLE',
      'IMAGE_STORE_DAMAGED',
      'BUSY',
    ],
    uses: ['records', 'images', 'extractor'],
    ...sizes.image,
  },
  ({ params, query, ...call }, ports) =>
    deliverImage(params.image_id, query, { ...call, disposition: 'inline' }, ports),
);
