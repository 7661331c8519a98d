import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/**
 * Files that are there whole or not at all.
 *
 * [Note: Parts]
 * Bytes go into `<file>.<host>-<process>-<random>.part`, a name no one else writes to, and get the file's own name by a
 * rename when they are complete and checked. So a kill leaves a part behind, never half a file, and two processes at once do
 * the work twice at worst. A part whose process is gone is taken over by the next download, which goes on where it stopped.
 */

/** What a file must be. */
export interface Expected {
  readonly sha256: string;
  readonly bytes: number;
}

/** Whether `path` is exactly what is expected; false when there is no such file. */
export async function isIntact(path: string, expected: Expected): Promise<boolean> {
  const size = await sizeOf(path);
  return size === expected.bytes && (await sha256OfFile(path)) === expected.sha256;
}

/** Lower-case hexadecimal. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** In bytes; null when there is no such file. */
export async function sizeOf(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? found.size : null;
}

/** Replaces `path` by `bytes` in one step, durably; makes its folder. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const part = await startPart(path);
  try {
    const file = await open(part, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } finally {
    await dropPart(part);
  }
}

/** Parts this process is writing to. */
const ownParts = new Set<string>();
const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** Name of a part for `path` that no one else uses; makes the folder, and removes parts of processes that are gone. */
export async function startPart(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  for (const abandoned of await abandonedParts(path)) await rm(abandoned, { force: true });
  return newPart(path);
}

/** As `startPart`, but goes on with the longest part that a process which is gone left behind, if there is one. */
export async function resumePart(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const sized = await Promise.all(
    (await abandonedParts(path)).map(async (part) => ({ part, size: (await sizeOf(part)) ?? 0 })),
  );
  const part = newPart(path);
  for (const { part: abandoned } of sized.sort((a, b) => b.size - a.size)) {
    const taken = await rename(abandoned, part)
      .then(() => true)
      .catch(() => false);
    if (taken) break;
  }
  return part;
}

/** Leaves `part` to whoever goes on with it. */
export function leavePart(part: string): void {
  ownParts.delete(part);
}

/** Removes `part`, if it is still there. */
export async function dropPart(part: string): Promise<void> {
  await rm(part, { force: true });
  ownParts.delete(part);
}

function newPart(path: string): string {
  const part = `${path}.${host}-${process.pid}-${randomBytes(4).toString('hex')}.part`;
  ownParts.add(part);
  return part;
}

async function abandonedParts(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.${host}-`;
  const names = await readdir(dirname(path));
  const parts = names.filter((name) => name.startsWith(prefix) && name.endsWith('.part'));
  return parts
    .map((name) => join(dirname(path), name))
    .filter((part) => !ownParts.has(part) && !isRunning(part, prefix));
}

function isRunning(part: string, prefix: string): boolean {
  const pid = Number.parseInt(basename(part).slice(prefix.length), 10);
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
