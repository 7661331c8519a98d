import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;

/**
 * `text`, readable only with `secret`.
 *
 * [Note: Kept answers are sealed]
 * An answer that is kept for a repeated Idempotency-Key speaks of a person, and must not outlive that person's erasure in a cache.
 * So it is encrypted with a key made from the Idempotency-Key and the content of the request, neither of which is kept: it opens to
 * who sends the same request again, and to nobody else, the platform included.
 */
export function seal(secret: string, text: string): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, keyOf(secret), iv);
  const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64');
}

/** Throws when the secret is another. */
export function unseal(secret: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv(algorithm, keyOf(secret), bytes.subarray(0, ivBytes));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(ivBytes, -tagBytes)), decipher.final()]).toString('utf8');
}

const keyOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();
