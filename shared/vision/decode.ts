import type { Sharp } from 'sharp';
import { decoding } from '../domain/tuning.ts';
import { AppError } from '../errors.ts';
import type { ImageFacts } from '../ports/extractor.ts';
import type { Budget } from './budget.ts';
import { readExif } from './exif.ts';
import { guardExif } from './exif-guard.ts';
import { contentTypeOf, type ImageFormat, imageFormat, supported } from './image-format.ts';
import type { Raster } from './raster.ts';

export interface DecodedImage {
  readonly facts: ImageFacts;
  /** The upright photo, its longer side at most `decoding.longerSide`. */
  readonly raster: Raster;
  /** Raster pixels per photo pixel, 0..1. */
  readonly scale: number;
}

/** What an image may have at most. */
export interface ImageLimits {
  readonly maxBytes: number;
  readonly maxPixels: number;
}

export interface DecodeOptions {
  readonly limits?: ImageLimits | undefined;
  /** In pixels: how many may be decoded at once, of all photos together. */
  readonly pixels?: Budget | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Bytes to pixels and facts. The header is checked before a pixel is decoded. Errors: EMPTY_IMAGE, UNSUPPORTED_IMAGE,
 * IMAGE_CORRUPT, IMAGE_TOO_LARGE.
 *
 * [Note: What counts as corrupt]
 * A photo cut short is refused rather than searched in its upper half: a face that is missing is worse than an error. sharp's
 * `failOn: 'error'` draws that line; what libjpeg merely warns of (stray bytes, anything behind the end) stays readable, and
 * an unreadable EXIF block only costs the time and the place.
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

/** An upright, not yet decoded image whose header keeps every limit. Errors as decodeImage. */
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

/** One decode works on one thread: many photos at once fill the cores better than one photo on many. Nothing is kept between photos. */
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
