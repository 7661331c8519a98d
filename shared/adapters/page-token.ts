import { createHmac, timingSafeEqual } from 'node:crypto';
import { AppError } from '../errors.ts';

/** End of a page: the order column and the id of its last row. */
export type Position = readonly [at: number, id: string];

export interface PageTokens {
  /** `listing` identifies the listing, with its tenant and filter. */
  write(listing: string, position: Position): string;
  /** Errors: AppError PAGE_TOKEN_INVALID unless `write` returned the token for the same listing. */
  read(listing: string, token: string): Position;
}

const macBytes = 16;

/**
 * Opaque tokens, authenticated with HMAC-SHA256 and `key`. The position in a token is not secret, because the page contains it too. The
 * authentication binds the token to its listing: a caller can neither change it nor use it for the list of another tenant.
 */
export function createPageTokens(key: Buffer): PageTokens {
  const macOf = (listing: string, payload: Buffer): Buffer =>
    createHmac('sha256', key)
      .update(`${Buffer.byteLength(listing)}:${listing}`)
      .update(payload)
      .digest()
      .subarray(0, macBytes);

  return {
    write(listing, position) {
      const payload = Buffer.from(JSON.stringify(position));
      return Buffer.concat([macOf(listing, payload), payload]).toString('base64url');
    },
    read(listing, token) {
      const bytes = Buffer.from(token, 'base64url');
      const payload = bytes.subarray(macBytes);
      // Base64 decoding accepts several texts for the same bytes; only the original text is valid.
      const exact = bytes.length > macBytes && bytes.toString('base64url') === token;
      if (!exact || !timingSafeEqual(bytes.subarray(0, macBytes), macOf(listing, payload))) {
        throw new AppError('PAGE_TOKEN_INVALID');
      }
      return JSON.parse(payload.toString()) as Position;
    },
  };
}
