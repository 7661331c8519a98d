import { AppError } from '../errors.ts';
import { imageTooLarge } from './image-too-large.ts';

const dataUrlHead = /^data:[a-z]+\/[a-z0-9.+-]+;base64,/i;

/** Longest base64 text of an image of `bytes` bytes, including a data-URL head and line breaks. */
export const maxBase64Length = (bytes: number): number => Math.ceil((bytes * 4) / 3) + Math.ceil(bytes / 30) + 128;

/**
 * Decodes base64 or base64url, with or without a data-URL head or line breaks. Errors: VALIDATION_FAILED, IMAGE_TOO_LARGE.
 *
 * @example
 * decodeImageData('data:image/png;base64,-_8', 1000); // bytes fb ff
 */
export function decodeImageData(value: unknown, limitBytes: number): Uint8Array {
  if (typeof value !== 'string') throw invalid('must be a base64 string');
  const text = stripBreaks(value.slice(dataUrlHead.exec(value.slice(0, 128))?.[0].length ?? 0));
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const length = Math.floor(((text.length - padding) * 3) / 4);
  if (length > limitBytes) throw imageTooLarge(limitBytes);
  // Buffer skips characters that are not base64, so bytes are then missing.
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== length || (text.length - padding) % 4 === 1) throw invalid('is not valid base64');
  return bytes;
}

const stripBreaks = (text: string): string => (/\s/.test(text) ? text.replace(/\s+/g, '') : text);

const invalid = (issue: string) =>
  new AppError('VALIDATION_FAILED', { message: `image_data ${issue}.`, details: [{ field: 'image_data', issue }] });
