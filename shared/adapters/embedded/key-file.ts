import { createHash, randomBytes } from 'node:crypto';
import { link, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../../errors.ts';
import { syncFolder } from './private-files.ts';

export interface StoreKey {
  /** 256 bits. */
  readonly secret: Buffer;
  /** 8 bytes that identify the key and do not reveal it. */
  readonly id: Buffer;
}

/**
 * Reads the key file at `path`, or creates it (mode 0600) if it does not exist; it is never changed. If several processes create it at
 * once, all get the same key. `inUse` returns whether data encrypted with the key exists: then a missing file is an error, because a
 * new key cannot decrypt the data.
 * Errors: AppError STORE_UNAVAILABLE.
 */
export async function openKeyFile(path: string, inUse: () => Promise<boolean>): Promise<StoreKey> {
  const existing = await readKey(path);
  if (existing !== null) return existing;
  if (await inUse()) {
    throw new AppError('STORE_UNAVAILABLE', {
      message: `${path} is missing, and the stored data cannot be read without it. Restore the key file from a backup. If there is no backup, delete the data and start again.`,
    });
  }
  await makeKey(path);
  return (await readKey(path))!;
}

async function readKey(path: string): Promise<StoreKey | null> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
    if (process.platform !== 'win32' && ((await stat(path)).mode & 0o077) !== 0) {
      throw new AppError('STORE_UNAVAILABLE', {
        message: `${path} can be read by other users. Run: chmod 600 ${path}`,
      });
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new AppError('STORE_UNAVAILABLE', {
      message: `${path} is damaged: it must contain 64 hex digits. Restore it from a backup.`,
    });
  }
  const secret = Buffer.from(text, 'hex');
  return { secret, id: createHash('sha256').update('freeface key id').update(secret).digest().subarray(0, 8) };
}

/** The file gets its name when it is complete, and only if no other process was faster. */
async function makeKey(path: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.part`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(32).toString('hex')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(temporary);
  }
  await syncFolder(dirname(path));
}
