import { AppError } from '../errors.ts';
import type { HttpManifest } from '../runtime/define.ts';
import type { HttpExchange, HttpMiddleware } from './exchange.ts';
import { decodeImageData, maxBase64Length } from './image-data.ts';
import { imageTooLarge } from './image-too-large.ts';
import { readForm } from './multipart.ts';
import { fieldsFromText, namedOnce } from './text-fields.ts';

/** Beside the image there is at most this much: a person's metadata is 16 kB. */
const fieldBytes = 64 * 1024;
const maxJsonDepth = 32;

/**
 * Reads the body into `input.body` and `input.image`. An image arrives as base64 in the JSON field `image_data`, as the part
 * `image` of a form, or as the raw body with its fields in the query.
 */
export function body(): HttpMiddleware {
  return {
    before: async function bodyBefore({ event }) {
      const { manifest, request } = event;
      if (manifest.body === undefined && manifest.image === undefined) return;
      const type = mediaType(request.headers['content-type']);
      if (type === 'application/json' || type.endsWith('+json')) await readJson(event);
      else if (manifest.image !== undefined && type === 'multipart/form-data') await readMultipart(event, manifest);
      else if (manifest.image !== undefined && (type.startsWith('image/') || type === 'application/octet-stream'))
        await readRaw(event, manifest);
      else await refuse(event, type);
      if (manifest.image === 'required' && event.input.image === undefined)
        throw new AppError('IMAGE_MISSING', { details: missingImage });
      if (event.input.image?.length === 0)
        throw new AppError('EMPTY_IMAGE', { details: [{ field: 'image', issue: 'has no bytes' }] });
    },
  };
}

const missingImage = [
  {
    field: 'image_data',
    issue:
      'is required: base64 in JSON, or send the part `image` of a multipart/form-data body, or the image as the raw body',
  },
];

async function readJson({ manifest, request, input, limits }: HttpExchange) {
  const image = manifest.image !== undefined;
  const bytes = await request.body(fieldBytes + (image ? maxBase64Length(limits.imageBytes) : 0));
  const value = parseJson(bytes);
  if (!image) {
    input.body = value;
    return;
  }
  const { image_data, ...fields } = value;
  input.body = fields;
  if (image_data !== undefined) input.image = decodeImageData(image_data, limits.imageBytes);
}

async function readMultipart({ request, input, limits }: HttpExchange, manifest: HttpManifest) {
  const bytes = await request.body(fieldBytes + limits.imageBytes);
  const form = await readForm(bytes, request.headers['content-type'] ?? '', {
    imageBytes: limits.imageBytes,
    fieldBytes,
  });
  const { image_data, ...fields } = form.fields;
  if (image_data !== undefined) form.image ??= decodeImageData(image_data, limits.imageBytes);
  input.image = form.image;
  input.body = fieldsFromText(manifest.body, fields);
}

/** The fields of a raw image stand in the query, beside the query's own. */
export const isOwnQuery = (manifest: HttpManifest, name: string): boolean =>
  Object.hasOwn(manifest.query?.shape ?? {}, name);

async function readRaw({ request, input, limits }: HttpExchange, manifest: HttpManifest) {
  const bytes = await request.body(limits.imageBytes).catch((error: unknown) => {
    throw error instanceof AppError && error.code === 'BODY_TOO_LARGE' ? imageTooLarge(limits.imageBytes) : error;
  });
  input.image = bytes;
  input.body = fieldsFromText(
    manifest.body,
    namedOnce(request.query, (name) => !isOwnQuery(manifest, name)),
  );
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

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const message =
      bytes.length === 0 ? 'The body is empty; a JSON object is expected.' : 'The body is not valid JSON.';
    throw new AppError('BODY_MALFORMED', { message, cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError('BODY_MALFORMED', { message: 'The body must be a JSON object.' });
  }
  if (deeperThan(value, maxJsonDepth))
    throw new AppError('BODY_MALFORMED', { message: `The body is nested deeper than ${maxJsonDepth} levels.` });
  return value as Record<string, unknown>;
}

/** Without recursion: what is checked here may be nested a million deep. */
function deeperThan(root: object, limit: number): boolean {
  let level: object[] = [root];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > limit) return true;
    level = level.flatMap((value) =>
      Object.values(value).filter((child): child is object => typeof child === 'object' && child !== null),
    );
  }
  return false;
}

const mediaType = (header: string | undefined): string => (header ?? '').split(';', 1)[0]!.trim().toLowerCase();
