import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { Box, Size } from '../domain/geometry.ts';
import { AppError } from '../errors.ts';
import { lazy } from '../function/lazy.ts';

/** A part of the upright primary picture of a HEIC file: 8 bits per channel, interleaved, rows without padding. */
export interface HeicPixels extends Size {
  readonly data: Uint8Array;
  /** 3: RGB; 4: RGB and alpha. */
  readonly channels: 3 | 4;
  /** Size of the whole upright picture. */
  readonly picture: Size;
}

/** Part of a picture, in whole pixels. */
export type Region = Box;

export interface HeicOptions {
  /** Bytes that the memory of the decoder can have. */
  readonly memory: number;
  /** Selects the part of the upright picture that is returned. Default: the whole picture. */
  readonly regionOf?: ((picture: Size) => Region) | undefined;
  /**
   * Side in pixels. A part whose longer side is at least twice as long is returned shrunk by a whole number, and its longer side
   * stays at least `side`.
   */
  readonly side: number;
  /** Stops the decoder at once, also during its work. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Decodes the primary picture of a HEIC file, or the first picture of a HEIC sequence. libheif applies the rotation, mirroring and
 * cropping of the file, so the EXIF orientation must not be applied again. Errors: IMAGE_CORRUPT; UNSUPPORTED_IMAGE when the codec is
 * not HEVC; IMAGE_TOO_LARGE when the decoder needs more memory than `memory`; the reason of the signal.
 *
 * [Note: HEIC decoder]
 * sharp from npm has no HEVC decoder. libheif-js contains libheif and libde265 as WebAssembly, without install scripts. Each photo gets
 * a new thread with a new WebAssembly instance:
 * - WebAssembly memory never shrinks. When the thread ends, all its memory is free.
 * - A photo that attacks the decoder cannot reach the next photo.
 * - The signal can end a decode that takes too long.
 * - The instance cannot grow beyond `memory`, so a file that announces fewer pixels than it has is refused.
 * The compiled module is shared by all threads, with its optimised code. A photo of 12 megapixels and 4.2 MB takes 1.4 s of CPU time.
 */
export async function decodeHeic(
  bytes: Uint8Array,
  { memory, regionOf = whole, side, signal }: HeicOptions,
): Promise<HeicPixels> {
  const { script, module } = await decoder();
  signal?.throwIfAborted();
  const worker = new Worker(threadSource, {
    eval: true,
    workerData: { script, module, bytes, memory },
    name: 'heic',
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
  });
  const abort = new AbortController();
  try {
    const reply = await new Promise<Reply>((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true, signal: abort.signal });
      worker.on('message', (message: Reply | Size) => {
        if ('data' in message || 'code' in message) resolve(message);
        else worker.postMessage({ region: regionOf(message), side });
      });
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('The HEIC thread ended.')));
    });
    if ('data' in reply) return reply;
    throw refusal(reply);
  } finally {
    abort.abort();
    await worker.terminate();
  }
}

const whole = ({ width, height }: Size): Region => ({ left: 0, top: 0, width, height });

interface Failure {
  /** Error code of libheif; 0: the decoder crashed. */
  readonly code: number;
  readonly message: string;
  /** Whether the decoder needed more memory than allowed. */
  readonly outOfMemory: boolean;
}
/** Before it, the thread sends the size of the picture and waits for the region. */
type Reply = HeicPixels | Failure;

function refusal({ code, message, outOfMemory }: Failure): AppError {
  const cause = new Error(`libheif: ${message}`);
  if (outOfMemory)
    return new AppError('IMAGE_TOO_LARGE', {
      cause,
      message: 'The HEIC image needs more memory than its header announces.',
    });
  if (unsupported.has(code))
    return new AppError('UNSUPPORTED_IMAGE', {
      cause,
      message: 'The image is in a HEIF container, but it is not HEVC. Send it as HEIC, AVIF or JPEG.',
    });
  return new AppError('IMAGE_CORRUPT', { cause });
}

/** `heif_error_Unsupported_filetype`, `heif_error_Unsupported_feature` and `heif_error_Plugin_loading_error` (no such codec). */
const unsupported = new Set([3, 4, 11]);

/** The types of Node 20 declare no values of WebAssembly. */
const { WebAssembly } = globalThis as unknown as { WebAssembly: { compile(bytes: Uint8Array): Promise<object> } };

const decoder = lazy(async () => {
  const script = createRequire(import.meta.url).resolve('libheif-js/libheif-wasm/libheif.js');
  const file = await readFile(script.replace(/\.js$/, '.wasm'));
  return { script, module: await WebAssembly.compile(file) };
});

/** Source of the thread. It is a string, so a bundle needs no extra file. Uses the C interface of libheif. */
const threadSource = `'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const { script, module: compiled, bytes, memory } = workerData;
let outOfMemory = false;
const grow = WebAssembly.Memory.prototype.grow;
WebAssembly.Memory.prototype.grow = function (pages) {
  if (this.buffer.byteLength + 65536 * pages > memory) {
    outOfMemory = true;
    throw new RangeError('The memory limit is reached.');
  }
  return grow.call(this, pages);
};
const heif = require(script)({
  print() {},
  printErr() {},
  instantiateWasm(imports, done) {
    const instance = new WebAssembly.Instance(compiled, imports);
    return done(instance, compiled) ?? instance.exports;
  },
});
const numberAt = (pointer) => new DataView(heif.HEAPU8.buffer).getUint32(pointer, true);
const error = heif._malloc(16);
const out = heif._malloc(16);
function check() {
  if (numberAt(error) === 0) return;
  const text = heif.HEAPU8.subarray(numberAt(error + 8));
  const message = Buffer.from(text.subarray(0, Math.min(200, text.indexOf(0)))).toString();
  throw Object.assign(new Error(message), { code: numberAt(error) });
}
const RGB = 1;
const INTERLEAVED = 10;
const chromaOf = (channels) => (channels === 4 ? 11 : 10);
function decode() {
  const file = heif._malloc(bytes.length);
  if (file === 0) throw new Error('The file does not fit into the memory.');
  heif.HEAPU8.set(bytes, file);
  const context = heif._heif_context_alloc();
  heif._heif_context_read_from_memory_without_copy(error, context, file, bytes.length, 0);
  check();
  heif._heif_context_get_primary_image_handle(error, context, out);
  if (numberAt(error) !== 0 && heif._heif_context_has_sequence(context)) {
    heif._heif_track_decode_next_image(error, heif._heif_context_get_track(context, 0), out, RGB, chromaOf(3), 0);
    check();
    return { image: numberAt(out), channels: 3 };
  }
  check();
  const handle = numberAt(out);
  const channels = heif._heif_image_handle_has_alpha_channel(handle) ? 4 : 3;
  heif._heif_decode_image(error, handle, out, RGB, chromaOf(channels), 0);
  check();
  return { image: numberAt(out), channels };
}
/** Copies \`region\`, and shrinks it by a whole number: each pixel is the mean of a square. */
function pixelsOf({ start, stride, channels }, region, side) {
  const factor = Math.max(1, Math.floor(Math.max(region.width, region.height) / side));
  const width = Math.max(1, Math.floor(region.width / factor));
  const height = Math.max(1, Math.floor(region.height / factor));
  const data = new Uint8Array(width * height * channels);
  const heap = heif.HEAPU8;
  const row = width * channels;
  const sums = new Uint32Array(row);
  const columns = Math.min(factor, region.width);
  const rows = Math.min(factor, region.height);
  for (let y = 0; y < height; y++) {
    const first = start + (region.top + y * factor) * stride + region.left * channels;
    if (factor === 1) {
      data.set(heap.subarray(first, first + row), y * row);
      continue;
    }
    sums.fill(0);
    for (let line = 0; line < rows; line++) {
      let from = first + line * stride;
      for (let to = 0; to < row; to += channels)
        for (let column = 0; column < columns; column++)
          for (let channel = 0; channel < channels; channel++) sums[to + channel] += heap[from++];
    }
    for (let i = 0; i < row; i++) data[y * row + i] = sums[i] / (rows * columns) + 0.5;
  }
  return { data, width, height, channels };
}
function fail(error) {
  parentPort.postMessage({ code: error.code ?? 0, message: String(error.message ?? error), outOfMemory });
}
try {
  const { image, channels } = decode();
  const width = heif._heif_image_get_width(image, INTERLEAVED);
  const height = heif._heif_image_get_height(image, INTERLEAVED);
  const start = heif._heif_image_get_plane_readonly2(image, INTERLEAVED, out);
  if (start === 0 || !(width > 0 && height > 0)) throw new Error('The image has no pixels.');
  const plane = { start, stride: numberAt(out), channels };
  parentPort.once('message', ({ region, side }) => {
    try {
      const pixels = pixelsOf(plane, region, side);
      parentPort.postMessage({ ...pixels, picture: { width, height } }, [pixels.data.buffer]);
    } catch (error) {
      fail(error);
    }
  });
  parentPort.postMessage({ width, height });
} catch (error) {
  fail(error);
}
`;
