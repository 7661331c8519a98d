import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a folder that only its owner may enter (0700), with its parents; an existing one of ours is tightened. */
export function makePrivateFolder(path: string): void {
  makeFolder(path);
  try {
    chmodSync(path, 0o700);
  } catch (error) {
    // A mounted folder may belong to somebody else and still be ours to write.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}

/**
 * Makes a folder (0700) with its parents. Node's own recursion never ends where making a folder fails with ENOENT, as under
 * /proc. Errors: those of the system; ENOENT when it cannot be made there, ENOTDIR or EEXIST when there is a file.
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const parent = dirname(path);
    if (code === 'ENOENT' && parent !== path) {
      makeFolder(parent);
      mkdirSync(path, { mode: 0o700 });
    } else if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/**
 * Writes `parts` to `path` (mode 0600) so that after a crash the file is there with all bytes, or as it was before.
 * `temporary` lies on the same file system and is gone afterwards, also on failure. `writtenAt` (milliseconds since the
 * epoch) becomes the file's time.
 */
export async function writeAtomically(
  path: string,
  temporary: string,
  parts: readonly Uint8Array[],
  writtenAt: number,
): Promise<void> {
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      for (const part of parts) await file.writeFile(part);
      await file.utimes(writtenAt / 1000, writtenAt / 1000);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Makes names written to or removed from a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  // Windows has no such call and does without.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
