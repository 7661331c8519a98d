import { open, rename, truncate } from 'node:fs/promises';
import { dropPart, type Expected, leavePart, resumePart, sha256OfFile, sizeOf } from './files.ts';

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes received so far, including those of an earlier run. */
  readonly onBytes?: (done: number) => void;
  /** Milliseconds without a byte after which the connection is closed. Default 30,000. */
  readonly stallMs?: number;
}

/** A download failed. The message says what to do. */
class DownloadError extends Error {
  override readonly name = 'DownloadError';
}

const defaultStallMs = 30_000;
/** Connections in a row that bring no new byte; then the download fails. */
const mostFailures = 3;

/**
 * Downloads `url` to `path`. The file appears at `path` in one step, when it is complete and its SHA-256 is right. Continues a download
 * that an earlier run left, reads at most the expected bytes, and deletes a file with another SHA-256. Errors: DownloadError; the
 * reason of the signal. See: [Note: Part files]
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
      // The bytes of an earlier run may belong to another version of the file.
      await truncate(part);
      await fill(url, part, expected, options);
      digest = await sha256OfFile(part);
    }
    if (digest !== expected.sha256) {
      await dropPart(part);
      throw new DownloadError(`${url} has SHA-256 ${digest}, expected ${expected.sha256}. The file was deleted.`);
    }
    await rename(part, path);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof DownloadError) throw error;
    const byHand = `Download it in another way and save it as ${path}. Its SHA-256 must be ${expected.sha256}.`;
    throw new DownloadError(`${url} cannot be downloaded: ${reasonOf(error)}. ${byHand}`, { cause: error });
  } finally {
    if (await sizeOf(part)) leavePart(part);
    else await dropPart(part);
  }
}

/** A response that a retry does not change. */
class Refusal extends Error {}

async function fill(url: string, part: string, expected: Expected, options: DownloadOptions): Promise<void> {
  let failures = 0;
  for (;;) {
    const before = (await sizeOf(part)) ?? 0;
    if (before === expected.bytes) return;
    try {
      await fetchRest(url, part, before > expected.bytes ? 0 : before, expected, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      failures = ((await sizeOf(part)) ?? 0) > before ? 0 : failures + 1;
      if (error instanceof Refusal || failures >= mostFailures) throw error;
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

/** Offset in the file at which the body of the response starts. `asked`: the requested offset. */
function startOf(response: Response, asked: number): number {
  if (response.status === 200) return 0;
  if (response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${asked}-`)) return asked;
  const message = `the server returned ${response.status} ${response.statusText}`.trimEnd();
  throw response.status >= 500 || response.status === 429 ? new Error(message) : new Refusal(message);
}

/** Returns a signal that aborts when `alive` is not called for that many milliseconds. */
function stallGuard(milliseconds: number): { readonly signal: AbortSignal; alive(): void; stop(): void } {
  const controller = new AbortController();
  const giveUp = () => controller.abort(new Error(`no byte was received for ${milliseconds / 1000} s`));
  const timer = setTimeout(giveUp, milliseconds);
  return { signal: controller.signal, alive: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}

/** Message of the innermost cause: `fetch` throws "fetch failed" with the cause "getaddrinfo ENOTFOUND". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message || error.name;
}
