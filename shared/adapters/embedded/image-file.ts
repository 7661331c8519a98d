import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AppError } from '../../errors.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { StoreKey } from './key-file.ts';

/**
 * Format of an image file: mark, key id, nonce, AES-256-GCM ciphertext, tag.
 *
 * [Note: Files bound to their name]
 * The tag also authenticates the tenant and the image key. So a file that is renamed, copied over another file or moved to another
 * tenant cannot be decrypted.
 */
const mark = Buffer.from('FFI1');
const keyIdBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = mark.length + keyIdBytes + nonceBytes;

/** Returns the parts of the file, in order. */
export function seal(storeKey: StoreKey, tenant: Tenant, key: string, bytes: Uint8Array): Buffer[] {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', storeKey.secret, nonce);
  cipher.setAAD(identity(storeKey, tenant, key));
  const ciphertext = cipher.update(bytes);
  cipher.final();
  return [mark, storeKey.id, nonce, ciphertext, cipher.getAuthTag()];
}

/** Returns the image. Errors: AppError IMAGE_STORE_DAMAGED unless `file` is a complete file of this tenant and key. */
export function unseal(storeKey: StoreKey, tenant: Tenant, key: string, file: Buffer): Buffer {
  if (file.length < headBytes + tagBytes || !file.subarray(0, mark.length).equals(mark)) {
    throw damaged(`image ${key}: the file is cut off, or FreeFace did not write it`);
  }
  if (!file.subarray(mark.length, mark.length + keyIdBytes).equals(storeKey.id)) {
    throw damaged(`image ${key}: the file is encrypted with another key than the one in the key file`);
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
    throw damaged(`image ${key}: the file was changed, or it belongs to another image`, error);
  }
}

const identity = (storeKey: StoreKey, tenant: Tenant, key: string): Buffer =>
  Buffer.concat([mark, storeKey.id, Buffer.from(`${tenant}\n${key}`)]);

const damaged = (message: string, cause?: unknown): AppError => new AppError('IMAGE_STORE_DAMAGED', { message, cause });
