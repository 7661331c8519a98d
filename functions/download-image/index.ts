import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { deliverImage, imageParams, imageQuery, imageTypes } from '../../shared/gallery/deliver-image.ts';

export default defineFunction(
  {
    name: 'download-image',
    summary: 'Download an image',
    description:
      'You can send the headers `Range` and `If-None-Match`. If clients can reach the image store directly, the response for `variant=original` is a redirect (302) to a link that is valid for one minute.',
    tag: 'images',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/images/{image_id}/download', scope: 'images:read' },
    params: imageParams,
    query: imageQuery,
    output: { binary: imageTypes, redirects: true },
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
    deliverImage(params.image_id, query, { ...call, disposition: 'attachment' }, ports),
);
