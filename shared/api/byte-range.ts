import { AppError } from '../errors.ts';

/**
 * The one range that a `Range` header asks for, both ends included. undefined: send everything (no header, another unit,
 * several ranges or a form that RFC 9110 lets us ignore). Throws RANGE_NOT_SATISFIABLE when it lies outside.
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
