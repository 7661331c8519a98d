import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { asTenant, type Tenant } from '../ports/tenant.ts';

export interface NewKey {
  /** The whole key. The caller sees it only once. */
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
 * Creates a service key: `ffk.<tenant>.<id>.<secret>`. It contains its tenant and its id, so that one read finds the stored key. Its
 * prefix lets secret scanners recognise it. The secret has 256 random bits, so a plain digest protects it well enough.
 *
 * @example
 * const { key, keyId, secretDigest } = newApiKey(asTenant('default'));
 * parseApiKey(key); // { tenant: 'default', keyId, secret }
 */
export function newApiKey(tenant: Tenant): NewKey {
  const keyId = randomBytes(9).toString('base64url');
  const secret = randomBytes(32).toString('base64url');
  return { key: `ffk.${tenant}.${keyId}.${secret}`, keyId, secretDigest: digestOf(secret) };
}

/** Splits a service key into its parts; null when the text is not a service key. */
export function parseApiKey(text: string): ParsedKey | null {
  const [, tenant, keyId, secret] = /^ffk\.([a-z0-9_-]{1,64})\.([\w-]{12})\.([\w-]{43})$/.exec(text) ?? [];
  if (tenant === undefined || keyId === undefined || secret === undefined) return null;
  return { tenant: asTenant(tenant), keyId, secret };
}

/** SHA-256 of a secret, hex. */
export const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Compares two digests in constant time. */
export function sameDigest(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
