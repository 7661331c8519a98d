import { AppError } from '../errors.ts';

const maxDepth = 32;
/** Punctuation, numbers and white space of an honest request are far fewer; a body of millions of tokens would hold up everybody. */
const maxBytesOutsideStrings = 64 * 1024;

/** A JSON object from the bytes of a body. `mostOutside`: bytes beside its texts. Throws BODY_MALFORMED or BODY_TOO_LARGE. */
export function parseJson(bytes: Uint8Array, mostOutside = maxBytesOutsideStrings): Record<string, unknown> {
  if (hasMoreOutsideStrings(bytes, mostOutside)) {
    throw new AppError('BODY_TOO_LARGE', {
      message: `The body has more than ${mostOutside} bytes beside its texts.`,
    });
  }
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
  if (deeperThan(value, maxDepth))
    throw new AppError('BODY_MALFORMED', { message: `The body is nested deeper than ${maxDepth} levels.` });
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

/** Whether more than `limit` bytes of JSON text lie outside of string literals. Leaps over strings, so that an image costs nothing. */
function hasMoreOutsideStrings(bytes: Uint8Array, limit: number): boolean {
  const quote = 0x22;
  let outside = 0;
  let position = 0;
  while (outside <= limit) {
    const opening = bytes.indexOf(quote, position);
    if (opening < 0) return outside + bytes.length - position > limit;
    outside += opening - position + 1;
    let closing = bytes.indexOf(quote, opening + 1);
    while (closing >= 0 && isEscaped(bytes, closing)) closing = bytes.indexOf(quote, closing + 1);
    if (closing < 0) return outside > limit;
    position = closing + 1;
  }
  return true;
}

/** An odd number of backslashes stands before it. */
function isEscaped(bytes: Uint8Array, index: number): boolean {
  let first = index;
  while (bytes[first - 1] === 0x5c) first -= 1;
  return (index - first) % 2 === 1;
}
