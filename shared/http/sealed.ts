import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;

/**
 * Encrypts `text` with AES-256-GCM. Returns base64 that only `unseal` with the same `secret` can read.
 *
 * [Note: Stored responses are encrypted]
 * A response that is stored for a repeated Idempotency-Key may name a person, and a cache must not keep it readable after that
 * person's erasure. So it is encrypted with a key that is derived from the Idempotency-Key and the content of the request. Neither of
 * the two is stored, so only a client that sends the same request again can open it. The platform alone cannot.
 *
 * @example
 * unseal('secret', seal('secret', 'Ada Lovelace')); // 'Ada Lovelace'
 */
export function seal(secret: string, text: string): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, keyOf(secret), iv);
  const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64');
}

/** Returns the text that `seal` encrypted. Throws when the secret is wrong. */
export function unseal(secret: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv(algorithm, keyOf(secret), bytes.subarray(0, ivBytes));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(ivBytes, -tagBytes)), decipher.final()]).toString('utf8');
}

const keyOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();
