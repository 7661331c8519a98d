import { createHmac, timingSafeEqual } from 'node:crypto';
import { AppError } from '../errors.ts';

/** Where a page ends: the order column and the id of its last row. */
export type Position = readonly [at: number, id: string];

export interface PageTokens {
  /** `listing` names the listing with its tenant and filter. */
  write(listing: string, position: Position): string;
  /** Errors: AppError PAGE_TOKEN_INVALID for anything that `write` did not give out for the same listing. */
  read(listing: string, token: string): Position;
}

const macBytes = 16;

/**
 * Opaque tokens, authenticated by HMAC-SHA256 under `key`. A position alone tells nothing that the page itself did not; the
 * authentication binds it to its listing, so that a token can neither be edited nor carried to another tenant's list.
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
      // Decoding is lenient; only the exact text that was given out is taken.
      const exact = bytes.length > macBytes && bytes.toString('base64url') === token;
      if (!exact || !timingSafeEqual(bytes.subarray(0, macBytes), macOf(listing, payload))) {
        throw new AppError('PAGE_TOKEN_INVALID');
      }
      return JSON.parse(payload.toString()) as Position;
    },
  };
}
