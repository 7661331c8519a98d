import { AppError } from '../errors.ts';

const maxDepth = 32;

/** A JSON object from the bytes of a body. Throws BODY_MALFORMED. */
export function parseJson(bytes: Uint8Array): Record<string, unknown> {
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
