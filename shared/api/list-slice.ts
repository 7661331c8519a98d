import { createHash } from 'node:crypto';
import { AppError } from '../errors.ts';

/**
 * Returns one page of a list whose ids (`of`) the request itself contains. The token contains the position and a digest of the ids,
 * so that it fits no other request. It grants nothing beyond what the request asks for. Errors: PAGE_TOKEN_INVALID.
 *
 * @example
 * sliceOf(['Ada', 'Bea'], { limit: 1, token: undefined, of: ['1', '2'] }); // { items: ['Ada'], next: '1.…' }
 */
export function sliceOf<Item>(
  items: readonly Item[],
  { limit, token, of }: { limit: number; token: string | undefined; of: readonly string[] },
): { items: Item[]; next: string | null } {
  const start = token === undefined ? 0 : positionIn(token, of);
  const end = start + limit;
  return { items: items.slice(start, end), next: end < items.length ? tokenOf(end, of) : null };
}

const tokenOf = (position: number, of: readonly string[]): string =>
  `${position}.${createHash('sha256')
    .update(JSON.stringify([position, of]))
    .digest('base64url')
    .slice(0, 22)}`;

function positionIn(token: string, of: readonly string[]): number {
  const position = Number(/^(\d{1,9})\./.exec(token)?.[1]);
  if (!Number.isSafeInteger(position) || token !== tokenOf(position, of)) {
    throw new AppError('PAGE_TOKEN_INVALID', {
      details: [{ field: 'page_token', issue: 'does not belong to this request' }],
    });
  }
  return position;
}
