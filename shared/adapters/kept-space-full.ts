import { AppError } from '../errors.ts';

/** `freeAt`: when the first entry of the space expires, in milliseconds since the epoch; null when the space is empty. */
export const keptSpaceFull = (kind: string, freeAt: number | null, now: number): AppError =>
  new AppError('RATE_LIMITED', {
    message: `The tenant has stored as many entries of the kind "${kind}" as one tenant may have; wait until old entries expire.`,
    details: { kind },
    retryAfter: Math.max(1, Math.ceil(((freeAt ?? now) - now) / 1000)),
  });
