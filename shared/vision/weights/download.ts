import { open, rename, truncate } from 'node:fs/promises';
import { dropPart, type Expected, leavePart, resumePart, sha256OfFile, sizeOf } from './files.ts';

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes that are there so far, also those of an earlier run. */
  readonly onBytes?: (done: number) => void;
  /** Milliseconds without a byte after which a connection counts as dead. */
  readonly stallMs?: number;
}

/** A download that did not work; the message says what to do. */
class DownloadError extends Error {
  override readonly name = 'DownloadError';
}

const defaultStallMs = 30_000;
/** Connections that bring nothing new, one after another, before giving up. */
const fruitlessAttempts = 3;

/**
 * Fetches `url` into `path`, in one step for whoever looks. Goes on where an earlier run stopped, never reads more than the
 * expected bytes, and keeps nothing whose SHA-256 is another. Errors: DownloadError; the signal's reason.
 */
export async function download(
  url: string,
  path: string,
  expected: Expected,
  options: DownloadOptions = {},
): Promise<void> {
  const part = await resumePart(path);
  try {
    const resumed = ((await sizeOf(part)) ?? 0) > 0;
    await fill(url, part, expected, options);
    let digest = await sha256OfFile(part);
    if (digest !== expected.sha256 && resumed) {
      // What an earlier run left may have come from another version of the file.
      await truncate(part);
      await fill(url, part, expected, options);
      digest = await sha256OfFile(part);
    }
    if (digest !== expected.sha256) {
      await dropPart(part);
      throw new DownloadError(`${url} has SHA-256 ${digest}, expected ${expected.sha256}; nothing of it was kept.`);
    }
    await rename(part, path);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof DownloadError) throw error;
    const byHand = `Fetch it by other means and save it as ${path}: it is used when its SHA-256 is ${expected.sha256}.`;
    throw new DownloadError(`${url} cannot be downloaded: ${reasonOf(error)}. ${byHand}`, { cause: error });
  } finally {
    if (await sizeOf(part)) leavePart(part);
    else await dropPart(part);
  }
}

/** A server's answer that another try does not change. */
class Refusal extends Error {}

async function fill(url: string, part: string, expected: Expected, options: DownloadOptions): Promise<void> {
  let fruitless = 0;
  for (;;) {
    const before = (await sizeOf(part)) ?? 0;
    if (before === expected.bytes) return;
    try {
      await fetchRest(url, part, before > expected.bytes ? 0 : before, expected, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      fruitless = ((await sizeOf(part)) ?? 0) > before ? 0 : fruitless + 1;
      if (error instanceof Refusal || fruitless >= fruitlessAttempts) throw error;
    }
  }
}

async function fetchRest(
  url: string,
  part: string,
  from: number,
  expected: Expected,
  options: DownloadOptions,
): Promise<void> {
  const stall = stallGuard(options.stallMs ?? defaultStallMs);
  const signal = options.signal ? AbortSignal.any([options.signal, stall.signal]) : stall.signal;
  const file = await open(part, from === 0 ? 'w' : 'r+');
  try {
    const headers = { 'accept-encoding': 'identity', ...(from > 0 && { range: `bytes=${from}-` }) };
    const response = await fetch(url, { headers, signal });
    let done = startOf(response, from);
    const announced = Number(response.headers.get('content-length') ?? expected.bytes - done);
    if (done + announced !== expected.bytes) {
      throw new Refusal(`it has ${done + announced} bytes, expected ${expected.bytes}`);
    }
    await file.truncate(done);
    for await (const chunk of response.body ?? []) {
      stall.alive();
      if (done + chunk.byteLength > expected.bytes)
        throw new Refusal(`it has more than the expected ${expected.bytes} bytes`);
      await file.write(chunk, 0, chunk.byteLength, done);
      done += chunk.byteLength;
      options.onBytes?.(done);
    }
    if (done !== expected.bytes) throw new Error(`the connection ended after ${done} of ${expected.bytes} bytes`);
    await file.sync();
  } finally {
    stall.stop();
    await file.close();
  }
}

/** Where in the file the answer's body belongs. */
function startOf(response: Response, asked: number): number {
  if (response.status === 200) return 0;
  if (response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${asked}-`)) return asked;
  const message = `the server answers ${response.status} ${response.statusText}`.trimEnd();
  throw response.status >= 500 || response.status === 429 ? new Error(message) : new Refusal(message);
}

/** Aborts when `alive` is not called for that long. */
function stallGuard(milliseconds: number): { readonly signal: AbortSignal; alive(): void; stop(): void } {
  const controller = new AbortController();
  const giveUp = () => controller.abort(new Error(`no byte came for ${milliseconds / 1000} s`));
  const timer = setTimeout(giveUp, milliseconds);
  return { signal: controller.signal, alive: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}

/** The innermost message: fetch hides "getaddrinfo ENOTFOUND" behind "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message || error.name;
}
