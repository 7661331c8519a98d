import { AppError } from '../errors.ts';
import type { HttpManifest } from '../function/define.ts';
import { fieldBytes, type ImageReader, isJson } from './body.ts';
import type { HttpExchange } from './exchange.ts';
import { decodeImageData, maxBase64Length } from './image-data.ts';
import { imageTooLarge } from './image-too-large.ts';
import { parseJson } from './json-body.ts';
import { readForm } from './multipart.ts';
import { fieldsFromText, filledFields, isOwnQuery, namedOnce } from './text-fields.ts';

/**
 * Reads an image from the JSON field `image_data` (base64), from the part `image` of a form, or from the raw body. With a raw body,
 * the other fields are in the query. A second image is in the JSON field `other_image_data` or the part `other_image`.
 */
export const imageReader: ImageReader = async (exchange, mediaType) => {
  if (isJson(mediaType)) await readJson(exchange);
  else if (mediaType === 'multipart/form-data') await readMultipart(exchange);
  else if (mediaType.startsWith('image/') || mediaType === 'application/octet-stream') await readRaw(exchange);
  else return false;
  if (exchange.input.otherImage?.length === 0)
    throw new AppError('EMPTY_IMAGE', { details: [{ field: 'other_image', issue: 'is empty' }] });
  return true;
};

/** Names of the images that a request can have. The field with the base64 text has the same name and `_data`. */
const imageNames = ({ otherImage }: HttpManifest): readonly ImageName[] =>
  otherImage === undefined ? ['image'] : ['image', 'other_image'];

const inputOf = { image: 'image', other_image: 'otherImage' } as const;
type ImageName = keyof typeof inputOf;

async function readJson({ manifest, request, input, limits }: HttpExchange) {
  const names = imageNames(manifest);
  const fields = parseJson(await request.body(fieldBytes + names.length * maxBase64Length(limits.imageBytes)));
  for (const name of names) {
    const data = fields[`${name}_data`];
    if (data !== undefined) input[inputOf[name]] = decodeImageData(data, limits.imageBytes, name);
  }
  input.body = withoutImages(fields, names);
}

async function readMultipart({ manifest, request, input, limits }: HttpExchange) {
  const names = imageNames(manifest);
  const bytes = await request.body(fieldBytes + names.length * limits.imageBytes);
  const { files, fields } = await readForm(bytes, request.headers['content-type'] ?? '', {
    fileNames: names,
    imageBytes: limits.imageBytes,
    fieldBytes,
  });
  for (const name of names) {
    const data = fields[`${name}_data`];
    input[inputOf[name]] =
      files[name] ?? (data === undefined ? undefined : decodeImageData(data, limits.imageBytes, name));
  }
  input.body = fieldsFromText(manifest.body, filledFields(manifest.body, withoutImages(fields, names)));
}

function withoutImages<Value>(
  fields: Readonly<Record<string, Value>>,
  names: readonly ImageName[],
): Record<string, Value> {
  const data = names.map((name) => `${name}_data`);
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !data.includes(name)));
}

async function readRaw({ manifest, request, input, limits }: HttpExchange) {
  const bytes = await request.body(limits.imageBytes).catch((error: unknown) => {
    throw error instanceof AppError && error.code === 'BODY_TOO_LARGE'
      ? imageTooLarge(limits.imageBytes, 'image')
      : error;
  });
  input.image = bytes;
  input.body = fieldsFromText(
    manifest.body,
    namedOnce(request.query, (name) => !isOwnQuery(manifest, name)),
  );
}
