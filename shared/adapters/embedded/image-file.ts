import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AppError } from '../../errors.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { StoreKey } from './key-file.ts';

/**
 * An image as it lies on disk: mark, key id, nonce, AES-256-GCM ciphertext, tag.
 *
 * [Note: Files know their name]
 * Tenant and key are authenticated together with the bytes. A file that is renamed, copied over another one or moved to
 * another tenant does not open.
 */
const mark = Buffer.from('FFI1');
const keyIdBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = mark.length + keyIdBytes + nonceBytes;

/** Parts to be written one after another. */
export function seal(storeKey: StoreKey, tenant: Tenant, key: string, bytes: Uint8Array): Buffer[] {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', storeKey.secret, nonce);
  cipher.setAAD(identity(storeKey, tenant, key));
  const ciphertext = cipher.update(bytes);
  cipher.final();
  return [mark, storeKey.id, nonce, ciphertext, cipher.getAuthTag()];
}

/** The bytes that were sealed. Errors: AppError IMAGE_STORE_DAMAGED for anything else than a whole file of this tenant and key. */
export function unseal(storeKey: StoreKey, tenant: Tenant, key: string, file: Buffer): Buffer {
  if (file.length < headBytes + tagBytes || !file.subarray(0, mark.length).equals(mark)) {
    throw damaged(`image ${key}: the file is cut off or is none of ours`);
  }
  if (!file.subarray(mark.length, mark.length + keyIdBytes).equals(storeKey.id)) {
    throw damaged(`image ${key}: encrypted with another key than the one in the key file`);
  }
  try {
    const decipher = createDecipheriv(
      'aes-256-gcm',
      storeKey.secret,
      file.subarray(headBytes - nonceBytes, headBytes),
      {
        authTagLength: tagBytes,
      },
    );
    decipher.setAAD(identity(storeKey, tenant, key));
    decipher.setAuthTag(file.subarray(-tagBytes));
    const bytes = decipher.update(file.subarray(headBytes, -tagBytes));
    decipher.final();
    return bytes;
  } catch (error) {
    throw damaged(`image ${key}: the bytes are not those that were stored under this name`, error);
  }
}

const identity = (storeKey: StoreKey, tenant: Tenant, key: string): Buffer =>
  Buffer.concat([mark, storeKey.id, Buffer.from(`${tenant}\n${key}`)]);

const damaged = (message: string, cause?: unknown): AppError => new AppError('IMAGE_STORE_DAMAGED', { message, cause });
