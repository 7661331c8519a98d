import { createRequire } from 'node:module';
import type { Metadata, Sharp } from 'sharp';
import type { Size } from '../domain/geometry.ts';
import { decodeCosts, decoding } from '../domain/tuning.ts';
import { AppError } from '../errors.ts';
import { lazy } from '../function/lazy.ts';
import type { ImageFacts } from '../ports/extractor.ts';
import type { Budget } from './budget.ts';
import { type DecodeCost, decodeCost, heicCost } from './decode-cost.ts';
import { noExif, prepareExif, readExif } from './exif.ts';
import { guardExif } from './exif-guard.ts';
import { isoExifBlocks } from './exif-in-iso.ts';
import { decodeHeic, type Region } from './heic.ts';
import { heicHeader, tiffOfExifItem } from './heic-header.ts';
import { contentTypeOf, type ImageFormat, imageFormat, sharpBytes } from './image-format.ts';
import type { Raster } from './raster.ts';

/** A photo that is ready for the pipeline. */
export interface DecodedImage {
  /** Size, format, time and place of the upright photo, before it was shrunk. */
  readonly facts: ImageFacts;
  /** The upright photo, shrunk so that its longer side is at most `decoding.longerSide` pixels. Never enlarged. */
  readonly raster: Raster;
  /** Raster pixels per photo pixel, above 0 and at most 1. */
  readonly scale: number;
}

/** Limits of one image. */
export interface ImageLimits {
  /** Of the encoded file. */
  readonly maxBytes: number;
  /** Width x height of the first frame. */
  readonly maxPixels: number;
  /** Estimated memory for decoding, in bytes. */
  readonly maxMemory: number;
}

/** Options of `decodeImage`. */
export interface DecodeOptions {
  /** Default: `decoding`. */
  readonly limits?: ImageLimits | undefined;
  /** Limits the memory of all photos that are decoded at the same time. Weights are in bytes. */
  readonly memory?: Budget | undefined;
  /** Stops a photo that waits for `memory`, and a HEIC photo during its decoding. Another decode that has started is not interrupted. */
  readonly signal?: AbortSignal | undefined;
}

/** An image whose header was read and is within the limits. */
export interface OpenedImage {
  readonly format: ImageFormat;
  readonly contentType: string;
  readonly cost: DecodeCost;
  /** The raw EXIF block. */
  readonly exif: Uint8Array | undefined;
  /**
   * Returns the upright picture, or the region of it that `regionOf` selects, for further steps of sharp, and the size of the whole
   * upright picture. Errors: those of `decodeImage`.
   */
  load(options?: LoadOptions): Promise<{ readonly image: Sharp; readonly size: Size }>;
}

export interface LoadOptions {
  readonly regionOf?: ((picture: Size) => Region) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Decodes an image file into an upright 8-bit sRGB raster and reads its facts. Transparent pixels get `decoding.background`. Only the
 * first frame of an animation or a sequence is decoded. The header is checked before any pixel is decoded.
 *
 * Errors: AppError EMPTY_IMAGE, UNSUPPORTED_IMAGE, IMAGE_CORRUPT or IMAGE_TOO_LARGE; the reason of the signal when it aborts while
 * the photo waits.
 *
 * [Note: Corrupt images]
 * A truncated photo is refused. To search only its upper half could miss a face, and a missed face is worse than an error. The
 * option `failOn: 'error'` of sharp sets this limit. Data about which libjpeg only warns stays readable: stray bytes, and bytes
 * after the end. An unreadable EXIF block loses only the time and the place.
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<DecodedImage> {
  return await decodeOpened(await openImage(bytes, options.limits), options);
}

/** Decodes an opened image. Result and errors: those of `decodeImage`. */
export async function decodeOpened(
  opened: OpenedImage,
  { memory, signal }: Omit<DecodeOptions, 'limits'> = {},
): Promise<DecodedImage> {
  const side = decoding.longerSide;
  const decode = async () => {
    const { image, size } = await opened.load({ signal });
    const { data, info } = await image
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .flatten({ background: decoding.background })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
      .catch(corrupt);
    return { raster: { pixels: data, width: info.width, height: info.height }, size };
  };
  const [{ raster, size }, exif] = await Promise.all([
    memory ? memory.run(opened.cost.bytes, decode, signal) : decode(),
    opened.exif ? readExif(opened.exif, Date.now()) : noExif,
  ]);
  const { format, contentType } = opened;
  return {
    facts: { width: size.width, height: size.height, format, contentType, ...exif },
    raster,
    scale: Math.max(raster.width, raster.height) / Math.max(size.width, size.height),
  };
}

/** Loads the packages that decoding needs. Errors: those of loading; the next call tries again. */
export async function prepareDecoding(): Promise<void> {
  await Promise.all([loadSharp(), prepareExif()]);
}

/** Reads the header and checks the limits; decodes no pixel. Errors: those of `decodeImage`. */
export async function openImage(bytes: Uint8Array, limits: ImageLimits = decoding): Promise<OpenedImage> {
  const format = imageFormat(bytes);
  if (bytes.length > limits.maxBytes) throw tooLarge(`${limits.maxBytes} bytes`);
  guardExif(bytes);
  return format === 'heic' ? openHeic(bytes, limits) : await openWithSharp(format, bytes, limits);
}

async function openWithSharp(format: ImageFormat, file: Uint8Array, limits: ImageLimits): Promise<OpenedImage> {
  const sharp = await loadSharp();
  const bytes = sharpBytes(format, file);
  const open = () =>
    sharp(bytes, { failOn: 'error', limitInputPixels: false, autoOrient: true, sequentialRead: true, pages: 1 });
  const header = await open().metadata().catch(corrupt);
  checkPixels(header.width * (header.pageHeight ?? header.height), limits);
  if ((header.pages ?? 1) > decoding.maxFrames) throw tooLarge(`${decoding.maxFrames} frames`);
  const cost = decodeCost(format, header as Metadata, bytes);
  checkMemory(cost, limits);
  const { width, height } = header.autoOrient;
  return {
    format,
    contentType: contentTypeOf(format),
    cost,
    exif: header.exif,
    async load({ regionOf } = {}) {
      const size = { width, height };
      const image = open();
      return { image: regionOf ? image.extract(regionOf(size)) : image, size };
    },
  };
}

function openHeic(bytes: Uint8Array, limits: ImageLimits): OpenedImage {
  const header = heicHeader(bytes);
  checkPixels(header.pixels, limits);
  const cost = heicCost(header, bytes.length);
  checkMemory(cost, limits);
  const [item] = isoExifBlocks(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), mostExif);
  return {
    format: 'heic',
    contentType: contentTypeOf('heic'),
    cost,
    exif: item && tiffOfExifItem(item),
    async load({ regionOf, signal } = {}) {
      const sharp = await loadSharp();
      const options = { memory: cost.memory, side: decodeCosts.heic.side, regionOf, signal };
      const { data, width, height, channels, picture } = await decodeHeic(bytes, options);
      checkPixels(picture.width * picture.height, limits);
      return { image: sharp(data, { raw: { width, height, channels } }), size: picture };
    },
  };
}

/** Bytes of an EXIF block that are read. */
const mostExif = 0x10000;

function checkPixels(pixels: number, { maxPixels }: ImageLimits): void {
  if (pixels > maxPixels) throw tooLarge(`${maxPixels} pixels`);
}

function checkMemory({ bytes }: DecodeCost, { maxMemory }: ImageLimits): void {
  if (bytes <= maxMemory) return;
  const megabytes = (value: number) => Math.ceil(value / 2 ** 20);
  throw new AppError('IMAGE_TOO_LARGE', {
    message: `Decoding the image needs ${megabytes(bytes)} MiB of memory; the limit is ${megabytes(maxMemory)} MiB. Send fewer pixels, 8 bits per channel, or a file that is not interlaced or progressive.`,
  });
}

/**
 * Loads sharp with one thread for each decode: many photos at once use the cores better than one photo on many threads. No cache.
 *
 * [Note: Packages that fail to load]
 * `import()` remembers a failure until the process ends, for example when all file descriptors are in use. `require` forgets it. So
 * sharp is loaded by `require`, and the next photo tries again.
 */
const loadSharp = lazy(async () => {
  const require = createRequire(import.meta.url);
  const sharp = require(require.resolve('sharp')) as typeof import('sharp').default;
  sharp.cache(false);
  sharp.concurrency(1);
  return sharp;
});

function corrupt(cause: unknown): never {
  throw new AppError('IMAGE_CORRUPT', { cause });
}

const tooLarge = (limit: string) => new AppError('IMAGE_TOO_LARGE', { message: `The image has more than ${limit}.` });
