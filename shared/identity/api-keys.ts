import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { asTenant, type Tenant } from '../ports/tenant.ts';

export interface NewKey {
  /** The whole key, to be shown once. */
  readonly key: string;
  readonly keyId: string;
  readonly secretDigest: string;
}

export interface ParsedKey {
  readonly tenant: Tenant;
  readonly keyId: string;
  readonly secret: string;
}

/**
 * A new service key: `ffk.<tenant>.<id>.<secret>`. It names its tenant and its record, so that one read finds it, and its prefix lets
 * scanners for leaked secrets know it. The secret has 256 random bits, so that a plain digest of it is enough.
 */
export function newApiKey(tenant: Tenant): NewKey {
  const keyId = randomBytes(9).toString('base64url');
  const secret = randomBytes(32).toString('base64url');
  return { key: `ffk.${tenant}.${keyId}.${secret}`, keyId, secretDigest: digestOf(secret) };
}

/** null: not a key of ours. */
export function parseApiKey(text: string): ParsedKey | null {
  const [, tenant, keyId, secret] = /^ffk\.([a-z0-9_-]{1,64})\.([\w-]{12})\.([\w-]{43})$/.exec(text) ?? [];
  if (tenant === undefined || keyId === undefined || secret === undefined) return null;
  return { tenant: asTenant(tenant), keyId, secret };
}

/** SHA-256 of a secret, hex. */
export const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Takes the same time wherever the two differ. */
export function sameDigest(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
