import { AppError } from '../errors.ts';

/**
 * Returns the range of a `Range` header, both ends inclusive. undefined: send all bytes (no header, another unit, several ranges, or
 * a form that RFC 9110 allows a server to ignore). Errors: RANGE_NOT_SATISFIABLE for a range outside of `length` bytes.
 *
 * @example
 * byteRange('bytes=-3', 10); // { start: 7, end: 9 }
 */
export function byteRange(header: string | undefined, length: number): { start: number; end: number } | undefined {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined;
  const start = from === '' ? Math.max(0, length - Number(to)) : Number(from);
  const end = from === '' || to === '' ? length - 1 : Math.min(Number(to), length - 1);
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined;
  if (start >= length || (from === '' && Number(to) === 0))
    throw new AppError('RANGE_NOT_SATISFIABLE', { details: { length } });
  return { start, end };
}
