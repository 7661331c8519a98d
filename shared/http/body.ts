import { AppError } from '../errors.ts';
import type { HttpExchange, HttpMiddleware } from './exchange.ts';
import { parseJson } from './json-body.ts';

/** Most bytes of a body without its image. A person's metadata has up to 16 kB. */
export const fieldBytes = 64 * 1024;

/** Reads a body that may contain an image. Resolves to false when it does not support the content type. */
export type ImageReader = (exchange: HttpExchange, mediaType: string) => Promise<boolean>;

/**
 * Body middleware: reads the body into `input.body` and `input.image`. `readImage`: for functions whose manifest has an image.
 * Errors: BODY_MALFORMED, BODY_TOO_LARGE, MEDIA_TYPE_UNSUPPORTED, IMAGE_MISSING, EMPTY_IMAGE, and those of `readImage`.
 *
 * @example
 * const pipeline = middy(handler).use(body(imageReader)).use(validate(manifest));
 */
export function body(readImage?: ImageReader): HttpMiddleware {
  return {
    before: async function bodyBefore({ event }) {
      const { manifest, request, input } = event;
      if (manifest.body === undefined && manifest.image === undefined) return;
      const type = mediaType(request.headers['content-type']);
      if (manifest.image !== undefined && readImage !== undefined) {
        if (!(await readImage(event, type))) await refuse(event, type);
      } else if (isJson(type)) {
        const most = manifest.maxBodyBytes ?? fieldBytes;
        input.body = parseJson(await request.body(most), most);
      } else await refuse(event, type);
      checkImage(event);
    },
  };
}

/** True also for types such as `application/merge-patch+json`. */
export const isJson = (mediaType: string): boolean => mediaType === 'application/json' || mediaType.endsWith('+json');

const missingImage = [
  {
    field: 'image_data',
    issue:
      'is required: send base64 in JSON, or the part `image` of a multipart/form-data body, or the image as the raw body',
  },
];

function checkImage({ manifest, input: { image } }: HttpExchange): void {
  if (manifest.image === 'required' && image === undefined)
    throw new AppError('IMAGE_MISSING', { details: missingImage });
  if (image?.length === 0) throw new AppError('EMPTY_IMAGE', { details: [{ field: 'image', issue: 'is empty' }] });
}

/** For an empty body, the error names the missing input instead of the content type. */
async function refuse({ manifest, request }: HttpExchange, type: string) {
  const length = await request.body(fieldBytes).then(
    (bytes) => bytes.length,
    () => fieldBytes,
  );
  if (length === 0) {
    if (manifest.image === 'required') throw new AppError('IMAGE_MISSING', { details: missingImage });
    throw new AppError('BODY_MALFORMED', { message: 'The body is empty; a JSON object is expected.' });
  }
  const supported = ['application/json', ...(manifest.image === undefined ? [] : ['multipart/form-data', 'image/*'])];
  const problem =
    type === ''
      ? 'The Content-Type is missing'
      : `The Content-Type ${JSON.stringify(type.slice(0, 100))} is not supported`;
  throw new AppError('MEDIA_TYPE_UNSUPPORTED', {
    message: `${problem}; send one of: ${supported.join(', ')}.`,
    details: { accepted: supported },
  });
}

const mediaType = (header: string | undefined): string => (header ?? '').split(';', 1)[0]!.trim().toLowerCase();
