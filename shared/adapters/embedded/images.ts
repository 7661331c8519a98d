import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../errors.ts';
import type { Images } from '../../ports/images.ts';
import type { Tenant } from '../../ports/tenant.ts';
import { openDataFolder } from './data-folder.ts';
import { seal, unseal } from './image-file.ts';
import { imageFiles, incoming, orNull, suffix } from './image-files.ts';
import { openKeyFile, type StoreKey } from './key-file.ts';
import { makePrivateFolder, syncFolder, writeAtomically } from './private-files.ts';
import { lockStore } from './store-lock.ts';
import type { StoreOptions } from './store-options.ts';

/** Hex digits of the key's hash at the start of a file's name. See `fileOf`. */
const hashDigits = 16;

/** Encrypted files in `images/<tenant>/<shard>/`; `image.key` contains the key. */
export async function openImages({ dataDir, clock }: StoreOptions): Promise<Images> {
  openDataFolder(dataDir);
  const unlock = lockStore(join(dataDir, 'images.lock'));
  try {
    const root = join(dataDir, 'images');
    makePrivateFolder(root);
    // Writes that a crash interrupted. No caller knows them.
    await rm(join(root, incoming), { recursive: true, force: true });
    makePrivateFolder(join(root, incoming));
    const storeKey = await openKeyFile(join(dataDir, 'image.key'), () => hasImages(root));
    return imagesIn(root, storeKey, () => clock.now(), unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function imagesIn(root: string, storeKey: StoreKey, now: () => number, unlock: () => void): Images {
  const running = new Set<Promise<unknown>>();
  const knownFolders = new Set<string>();
  let closing: Promise<void> | undefined;

  /** `close` waits until the call settles. */
  const tracked = <T>(call: () => Promise<T>): Promise<T> => {
    if (closing !== undefined)
      return Promise.reject(new AppError('STORE_UNAVAILABLE', { message: 'images are closed' }));
    const result = call().catch((error: unknown) => {
      throw asStoreError(error);
    });
    running.add(result);
    const settled = () => running.delete(result);
    void result.then(settled, settled);
    return result;
  };

  return {
    put: (tenant, key, bytes, options) =>
      tracked(async () => {
        const path = fileOf(root, tenant, key);
        options?.signal?.throwIfAborted();
        await makeFolders(root, tenant, dirname(path), knownFolders);
        const temporary = join(root, incoming, randomBytes(12).toString('hex'));
        const sealed = seal(storeKey, tenant, key, bytes);
        options?.signal?.throwIfAborted();
        await writeAtomically(path, temporary, sealed, now());
      }),
    get: (tenant, key, options) =>
      tracked(async () => {
        const path = fileOf(root, tenant, key);
        const file = await orNull(readFile(path, { signal: options?.signal }));
        options?.signal?.throwIfAborted();
        return file === null ? null : unseal(storeKey, tenant, key, file);
      }),
    link: async () => null,
    delete: (tenant, key, options) =>
      tracked(async () => {
        const path = fileOf(root, tenant, key);
        options?.signal?.throwIfAborted();
        const removed = await orNull(unlink(path));
        if (removed === null) return false;
        await syncFolder(dirname(path));
        return true;
      }),
    async *keys(tenant, options) {
      const folder = join(root, tenant);
      for (const shard of (await orNull(readdir(folder))) ?? []) {
        for (const name of (await orNull(readdir(join(folder, shard)))) ?? []) {
          options?.signal?.throwIfAborted();
          if (!name.endsWith(suffix)) continue;
          const stats = await orNull(stat(join(folder, shard, name)));
          if (stats === null) continue;
          yield { key: name.slice(hashDigits + 1, -suffix.length), writtenAt: Math.round(stats.mtimeMs) };
        }
      }
    },
    close() {
      closing ??= Promise.allSettled(running).then(unlock);
      return closing;
    },
  };
}

/**
 * The name starts with a hash of the key. So keys that differ only in case, and the keys `.` and `..`, have different files on every
 * file system. The key itself follows, for people and for `keys`.
 */
function fileOf(root: string, tenant: Tenant, key: string): string {
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(key)) throw new RangeError(`not an image key: ${JSON.stringify(key)}`);
  const hash = createHash('sha256').update(key).digest('hex').slice(0, hashDigits);
  return join(root, tenant, hash.slice(0, 2), `${hash}-${key}${suffix}`);
}

/** Makes the folder of a shard durable before the first file is written to it. */
async function makeFolders(root: string, tenant: Tenant, shard: string, known: Set<string>): Promise<void> {
  if (known.has(shard)) return;
  await mkdir(shard, { recursive: true, mode: 0o700 });
  await syncFolder(join(root, tenant));
  await syncFolder(root);
  known.add(shard);
}

async function hasImages(root: string): Promise<boolean> {
  for await (const _ of imageFiles(root)) return true;
  return false;
}

/** Errors of the file system (space, permissions, a broken disk) become STORE_UNAVAILABLE. */
function asStoreError(error: unknown): unknown {
  const fromSystem = error instanceof Error && 'syscall' in error;
  return fromSystem ? new AppError('STORE_UNAVAILABLE', { message: `images: ${error.message}`, cause: error }) : error;
}
