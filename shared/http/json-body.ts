import { AppError } from '../errors.ts';

const maxDepth = 32;
/** Punctuation, numbers and white space. An ordinary request has far fewer; millions of tokens would block all other requests. */
const maxBytesOutsideStrings = 64 * 1024;

/**
 * Parses the bytes of a body as a JSON object. `maxOutside`: most bytes outside string literals. Errors: BODY_MALFORMED,
 * BODY_TOO_LARGE.
 *
 * @example
 * parseJson(new TextEncoder().encode('{"name":"Ada"}')); // { name: 'Ada' }
 */
export function parseJson(bytes: Uint8Array, maxOutside = maxBytesOutsideStrings): Record<string, unknown> {
  if (hasMoreOutsideStrings(bytes, maxOutside)) {
    throw new AppError('BODY_TOO_LARGE', {
      message: `The body has more than ${maxOutside} bytes outside its strings.`,
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

/** Works without recursion, because the value may have a million levels. */
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

/** Whether JSON text has more than `limit` bytes outside string literals. Skips whole strings, so that an image costs nothing. */
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

/** Whether an odd number of backslashes precedes `index`. */
function isEscaped(bytes: Uint8Array, index: number): boolean {
  let first = index;
  while (bytes[first - 1] === 0x5c) first -= 1;
  return (index - first) % 2 === 1;
}
