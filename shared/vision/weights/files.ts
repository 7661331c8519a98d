import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/**
 * Files that are either complete or missing.
 *
 * [Note: Part files]
 * Bytes are written to `<file>.<host>-<process>-<random>.part`, a name that no other writer uses. When they are complete and checked,
 * a rename gives the file its name. So a killed process leaves a part file, but never an incomplete file. Two processes at the same
 * time do the work twice at worst. The next download continues the part file of a process that no longer runs.
 */

/** Expected content of a file. */
export interface Expected {
  readonly sha256: string;
  readonly bytes: number;
}

/** true when `path` has the expected size and SHA-256; false when it differs or does not exist. */
export async function isIntact(path: string, expected: Expected): Promise<boolean> {
  const size = await sizeOf(path);
  return size === expected.bytes && (await sha256OfFile(path)) === expected.sha256;
}

/** SHA-256 of a file as lower-case hexadecimal. Errors: those of reading the file. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Size of a file in bytes; null when there is no such file. */
export async function sizeOf(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? found.size : null;
}

/** Writes `bytes` to `path` in one step, replacing the file, after a sync to disk. Creates the folder. */
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

/** Part files that this process writes to. */
const ownParts = new Set<string>();
const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** Returns an unused name of a part file for `path`. Creates the folder, and deletes the part files of dead processes. */
export async function startPart(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  for (const abandoned of await abandonedParts(path)) await rm(abandoned, { force: true });
  return newPart(path);
}

/** Like `startPart`, but the part file gets the content of the longest part file of a dead process, if there is one. */
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

/** Keeps `part` for a later download to continue. */
export function leavePart(part: string): void {
  ownParts.delete(part);
}

/** Deletes `part` if it exists. */
export async function dropPart(part: string): Promise<void> {
  await rm(part, { force: true });
  ownParts.delete(part);
}

function newPart(path: string): string {
  const part = `${path}.${host}-${process.pid}-${randomBytes(4).toString('hex')}.part`;
  ownParts.add(part);
  return part;
}

/** Part files for `path` whose process on this host no longer runs, or which this process has left. */
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
