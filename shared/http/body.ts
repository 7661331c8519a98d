import { AppError } from '../errors.ts';
import type { HttpExchange, HttpMiddleware } from './exchange.ts';
import { parseJson } from './json-body.ts';

/** Beside an image a body has at most this much: a person's metadata is 16 kB. */
export const fieldBytes = 64 * 1024;

/** Reads a body that may carry an image; resolves to false when the content type is none of its own. */
export type ImageReader = (exchange: HttpExchange, mediaType: string) => Promise<boolean>;

/** Reads the body into `input.body` and `input.image`. Functions whose manifest has an image need a reader for it. */
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

/** Also for types such as `application/merge-patch+json`. */
export const isJson = (mediaType: string): boolean => mediaType === 'application/json' || mediaType.endsWith('+json');

const missingImage = [
  {
    field: 'image_data',
    issue:
      'is required: base64 in JSON, or send the part `image` of a multipart/form-data body, or the image as the raw body',
  },
];

function checkImage({ manifest, input: { image } }: HttpExchange): void {
  if (manifest.image === 'required' && image === undefined)
    throw new AppError('IMAGE_MISSING', { details: missingImage });
  if (image?.length === 0) throw new AppError('EMPTY_IMAGE', { details: [{ field: 'image', issue: 'has no bytes' }] });
}

/** An empty body gets the plainer answer: what is missing, rather than which content type was. */
async function refuse({ manifest, request }: HttpExchange, type: string) {
  const length = await request.body(fieldBytes).then(
    (bytes) => bytes.length,
    () => fieldBytes,
  );
  if (length === 0) {
    if (manifest.image === 'required') throw new AppError('IMAGE_MISSING', { details: missingImage });
    throw new AppError('BODY_MALFORMED', { message: 'The body is empty; a JSON object is expected.' });
  }
  const taken = ['application/json', ...(manifest.image === undefined ? [] : ['multipart/form-data', 'image/*'])];
  throw new AppError('MEDIA_TYPE_UNSUPPORTED', {
    message: `Content type ${type === '' ? 'is missing' : JSON.stringify(type.slice(0, 100))}; taken here: ${taken.join(', ')}.`,
    details: { accepted: taken },
  });
}

const mediaType = (header: string | undefined): string => (header ?? '').split(';', 1)[0]!.trim().toLowerCase();
