import { AppError } from '../errors.ts';
import { imageTooLarge } from './image-too-large.ts';

const dataUrlHead = /^data:[a-z]+\/[a-z0-9.+-]+;base64,/i;

/** Longest base64 text of an image of `bytes` bytes, including a data-URL head and line breaks. */
export const maxBase64Length = (bytes: number): number => Math.ceil((bytes * 4) / 3) + Math.ceil(bytes / 30) + 128;

/**
 * Decodes base64 or base64url, with or without a data-URL head or line breaks. `image`: name of the image, for errors; its field has the
 * same name and `_data`. Errors: VALIDATION_FAILED, IMAGE_TOO_LARGE.
 *
 * @example
 * decodeImageData('data:image/png;base64,-_8', 1000); // bytes fb ff
 */
export function decodeImageData(value: unknown, limitBytes: number, image = 'image'): Uint8Array {
  const invalid = (issue: string) => {
    const field = `${image}_data`;
    return new AppError('VALIDATION_FAILED', { message: `${field} ${issue}.`, details: [{ field, issue }] });
  };
  if (typeof value !== 'string') throw invalid('must be a base64 string');
  const text = stripBreaks(value.slice(dataUrlHead.exec(value.slice(0, 128))?.[0].length ?? 0));
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const length = Math.floor(((text.length - padding) * 3) / 4);
  if (length > limitBytes) throw imageTooLarge(limitBytes, image);
  // Buffer skips characters that are not base64, so bytes are then missing.
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== length || (text.length - padding) % 4 === 1) throw invalid('is not valid base64');
  return bytes;
}

const stripBreaks = (text: string): string => (/\s/.test(text) ? text.replace(/\s+/g, '') : text);
