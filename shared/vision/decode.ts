import type { Sharp } from 'sharp';
import { decoding } from '../domain/tuning.ts';
import { AppError } from '../errors.ts';
import type { ImageFacts } from '../ports/extractor.ts';
import type { Budget } from './budget.ts';
import { readExif } from './exif.ts';
import { guardExif } from './exif-guard.ts';
import { contentTypeOf, type ImageFormat, imageFormat, supported } from './image-format.ts';
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
}

/** Options of `decodeImage`. */
export interface DecodeOptions {
  /** Default: `decoding`. */
  readonly limits?: ImageLimits | undefined;
  /** Limits the pixels of all photos that are decoded at the same time. Weights are in pixels. */
  readonly pixels?: Budget | undefined;
  /** Stops a photo that waits for `pixels`. A decode that has started is not interrupted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Decodes an image file into an upright 8-bit sRGB raster and reads its facts. Transparent pixels get `decoding.background`. Only the
 * first frame of an animation is decoded. The header is checked before any pixel is decoded.
 *
 * Errors: AppError EMPTY_IMAGE, UNSUPPORTED_IMAGE, IMAGE_CORRUPT or IMAGE_TOO_LARGE; the reason of the signal when it aborts while
 * the photo waits.
 *
 * [Note: Corrupt images]
 * A truncated photo is refused. To search only its upper half could miss a face, and a missed face is worse than an error. The
 * option `failOn: 'error'` of sharp sets this limit. Data about which libjpeg only warns stays readable: stray bytes, and bytes
 * after the end. An unreadable EXIF block loses only the time and the place.
 */
export async function decodeImage(
  bytes: Uint8Array,
  { limits = decoding, pixels, signal }: DecodeOptions = {},
): Promise<DecodedImage> {
  const { image, facts, exif } = await openImage(bytes, limits);
  const side = decoding.longerSide;
  const decode = () =>
    image
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .flatten({ background: decoding.background })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
      .catch((cause: unknown) => {
        throw undecodable(facts.format, cause);
      });
  const [{ data, info }, { capturedAt, location }] = await Promise.all([
    pixels ? pixels.run(facts.width * facts.height, decode, signal) : decode(),
    exif ? readExif(exif, Date.now()) : { capturedAt: null, location: null },
  ]);
  const raster = { pixels: data, width: info.width, height: info.height };
  return {
    facts: { ...facts, capturedAt, location },
    raster,
    scale: Math.max(raster.width, raster.height) / Math.max(facts.width, facts.height),
  };
}

/**
 * Reads the header, checks the limits and returns an upright image whose pixels are not decoded yet. `facts` has the upright size;
 * `exif` is the raw EXIF block. Errors: those of `decodeImage`.
 */
export async function openImage(
  bytes: Uint8Array,
  { maxBytes, maxPixels }: ImageLimits = decoding,
): Promise<{ image: Sharp; facts: Omit<ImageFacts, 'capturedAt' | 'location'>; exif: Uint8Array | undefined }> {
  const format = imageFormat(bytes);
  if (bytes.length > maxBytes) throw tooLarge(`${maxBytes} bytes`);
  guardExif(bytes);
  const sharp = await (loading ??= loadSharp());
  const image = sharp(bytes, {
    failOn: 'error',
    limitInputPixels: false,
    autoOrient: true,
    sequentialRead: true,
    pages: 1,
  });
  const header = await image.metadata().catch((cause: unknown) => {
    throw undecodable(format, cause);
  });
  if (header.width * (header.pageHeight ?? header.height) > maxPixels) throw tooLarge(`${maxPixels} pixels`);
  if ((header.pages ?? 1) > decoding.maxFrames) throw tooLarge(`${decoding.maxFrames} frames`);
  const { width, height } = header.autoOrient;
  return { image, facts: { width, height, format, contentType: contentTypeOf(format) }, exif: header.exif };
}

let loading: ReturnType<typeof loadSharp> | undefined;

/** Loads sharp with one thread for each decode: many photos at once use the cores better than one photo on many threads. No cache. */
async function loadSharp() {
  const { default: sharp } = await import('sharp');
  sharp.cache(false);
  sharp.concurrency(1);
  return sharp;
}

function undecodable(format: ImageFormat | string, cause: unknown): AppError {
  if (format !== 'heic') return new AppError('IMAGE_CORRUPT', { cause });
  return new AppError('UNSUPPORTED_IMAGE', {
    cause,
    message: `HEIC photos cannot be decoded by this installation. Send ${supported}.`,
  });
}

const tooLarge = (limit: string) => new AppError('IMAGE_TOO_LARGE', { message: `The image has more than ${limit}.` });
