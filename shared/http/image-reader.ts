import { AppError } from '../errors.ts';
import { fieldBytes, type ImageReader, isJson } from './body.ts';
import type { HttpExchange } from './exchange.ts';
import { decodeImageData, maxBase64Length } from './image-data.ts';
import { imageTooLarge } from './image-too-large.ts';
import { parseJson } from './json-body.ts';
import { readForm } from './multipart.ts';
import { fieldsFromText, filledFields, isOwnQuery, namedOnce } from './text-fields.ts';

/**
 * Reads an image from the JSON field `image_data` (base64), from the part `image` of a form, or from the raw body. With a raw body,
 * the other fields are in the query.
 */
export const imageReader: ImageReader = async (exchange, mediaType) => {
  if (isJson(mediaType)) await readJson(exchange);
  else if (mediaType === 'multipart/form-data') await readMultipart(exchange);
  else if (mediaType.startsWith('image/') || mediaType === 'application/octet-stream') await readRaw(exchange);
  else return false;
  return true;
};

async function readJson({ request, input, limits }: HttpExchange) {
  const { image_data, ...fields } = parseJson(await request.body(fieldBytes + maxBase64Length(limits.imageBytes)));
  input.body = fields;
  if (image_data !== undefined) input.image = decodeImageData(image_data, limits.imageBytes);
}

async function readMultipart({ manifest, request, input, limits }: HttpExchange) {
  const bytes = await request.body(fieldBytes + limits.imageBytes);
  const form = await readForm(bytes, request.headers['content-type'] ?? '', {
    imageBytes: limits.imageBytes,
    fieldBytes,
  });
  const { image_data, ...fields } = form.fields;
  if (image_data !== undefined) form.image ??= decodeImageData(image_data, limits.imageBytes);
  input.image = form.image;
  input.body = fieldsFromText(manifest.body, filledFields(manifest.body, fields));
}

async function readRaw({ manifest, request, input, limits }: HttpExchange) {
  const bytes = await request.body(limits.imageBytes).catch((error: unknown) => {
    throw error instanceof AppError && error.code === 'BODY_TOO_LARGE' ? imageTooLarge(limits.imageBytes) : error;
  });
  input.image = bytes;
  input.body = fieldsFromText(
    manifest.body,
    namedOnce(request.query, (name) => !isOwnQuery(manifest, name)),
  );
}
