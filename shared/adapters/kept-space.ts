import type { KeptKind } from '../domain/tuning.ts';
import { AppError } from '../errors.ts';
import type { Tenant } from '../ports/tenant.ts';

/** One entry of security state. See: [Note: Security state is not a cached value] */
export interface KeptKey {
  readonly tenant: Tenant;
  readonly kind: KeptKind;
  readonly key: string;
}

/** `freeAt`: when the first entry of the space expires, in milliseconds since the epoch; null when the space is empty. */
export const keptSpaceFull = (kind: string, freeAt: number | null, now: number): AppError =>
  new AppError('RATE_LIMITED', {
    message: `The tenant has stored as many entries of the kind "${kind}" as one tenant may have; wait until old entries expire.`,
    details: { kind },
    retryAfter: Math.max(1, Math.ceil(((freeAt ?? now) - now) / 1000)),
  });
