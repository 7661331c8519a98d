import type { Metadata } from 'sharp';
import { decodeCosts } from '../domain/tuning.ts';
import type { HeicHeader } from './heic-header.ts';
import type { ImageFormat } from './image-format.ts';

/** Estimated from the header, before decoding. */
export interface DecodeCost {
  /** Most bytes that decoding needs at the same time, without the file itself. */
  readonly bytes: number;
  /** Processor time of decoding. */
  readonly seconds: number;
}

/**
 * Cost of decoding with sharp.
 *
 * [Note: Cost of decoding]
 * sharp reads most files in lines and shrinks them on the way: memory depends on the width. Some files need the whole picture in memory:
 * interlaced PNG, JPEG with several scans (libjpeg keeps all coefficients), GIF, WebP, AVIF, and TIFF with large strips or tiles. The
 * estimates are above the peaks that were measured with files of 12 and 35 megapixels of each kind (bytes per pixel): progressive JPEG
 * 4:2:0 3.7, 4:4:4 6.6, CMYK 8.8; interlaced PNG with 8 bits 3.8, with alpha 4.9, with 16 bits 7.4, with alpha 9.7; GIF 5.4;
 * AVIF 18.7,
 * with 10 bits or alpha 26.9. shared/vision/decode-memory.test.ts measures the estimates.
 */
export function decodeCost(format: ImageFormat, header: Metadata, bytes: Uint8Array): DecodeCost {
  const width = header.width;
  const height = header.pageHeight ?? header.height;
  const frames = header.pages ?? 1;
  const pixels = width * height;
  const perPixel = header.channels * (sampleBytes[header.depth] ?? 16);
  const lines = width * perPixel * Math.min(height, decodeCosts.lines);
  const whole = { jpeg: 0, png: 0, webp: 0, gif: 0, avif: 0, tiff: 0, heic: 0 };
  const { seconds, perPixelBytes } = decodeCosts;
  let slow: number = seconds[format];
  if (format === 'jpeg') {
    whole.jpeg = pixels * jpegCoefficientBytes(bytes);
    if (whole.jpeg > 0) slow = seconds.progressive;
  } else if (format === 'png') {
    whole.png = header.isProgressive ? pixels * (perPixel + Math.max(1, perPixel / 4)) : 0;
    if (header.isProgressive) slow = seconds.interlaced;
  } else if (format === 'webp') whole.webp = pixels * (frames > 1 ? perPixelBytes.animation : perPixelBytes.webp);
  else if (format === 'gif') whole.gif = pixels * (frames > 1 ? perPixelBytes.animation : perPixelBytes.gif);
  else if (format === 'avif') {
    const plain = header.channels === 3 && header.depth === 'uchar';
    whole.avif = pixels * (plain ? perPixelBytes.avif : perPixelBytes.deepAvif);
  } else if (format === 'tiff') whole.tiff = 2 * tiffBand(bytes, width, height) * perPixel;
  return {
    bytes: decodeCosts.fixed + lines + whole[format],
    seconds: decodeCosts.fixedSeconds + (pixels / 1e6) * slow,
  };
}

/** Cost of decoding with libheif; `memory` is the limit for the memory of the decoder itself. */
export function heicCost(header: HeicHeader, fileBytes: number): DecodeCost & { readonly memory: number } {
  const { base, growth, side } = decodeCosts.heic;
  const planes = 2 * (header.deep ? 2 : 1) * (header.fullChroma ? 3 : 1.5);
  const perPixel = 4 + planes + (header.alpha ? 2 : 0);
  const memory = Math.ceil(base + fileBytes + growth * perPixel * header.pixels);
  // The copy for sharp is shrunk to less than twice the side in each direction.
  const copy = 4 * Math.min(header.pixels, (2 * side) ** 2);
  return {
    memory,
    bytes: memory + fileBytes + copy + decodeCosts.fixed,
    seconds: decodeCosts.fixedSeconds + (header.pixels / 1e6) * decodeCosts.seconds.heic,
  };
}

const sampleBytes: Readonly<Record<string, number>> = {
  uchar: 1,
  char: 1,
  ushort: 2,
  short: 2,
  uint: 4,
  int: 4,
  float: 4,
  complex: 8,
  double: 8,
  dpcomplex: 16,
};

/**
 * Bytes per pixel of the coefficients that libjpeg keeps: 0 for a JPEG with one scan. Two bytes for each sample of each component.
 */
function jpegCoefficientBytes(bytes: Uint8Array): number {
  let frame: { components: number; perPixel: number; progressive: boolean } | null = null;
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) {
      at += 1;
      continue;
    }
    const marker = bytes[at + 1]!;
    if (marker === 0xff || marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    if (marker === 0xd9) break;
    if (marker === startOfScan) {
      const inScan = bytes[at + 4]!;
      return frame && (frame.progressive || inScan < frame.components) ? frame.perPixel : 0;
    }
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
      frame = frameOf(bytes, at);
    at += 2 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
  }
  return 2 * 4;
}

const startOfScan = 0xda;

function frameOf(bytes: Uint8Array, at: number) {
  const components = bytes[at + 9] ?? 0;
  let [samples, across, down] = [0, 1, 1];
  for (let i = 0; i < components; i++) {
    const factors = bytes[at + 11 + 3 * i] ?? 0;
    samples += (factors >> 4) * (factors & 15);
    across = Math.max(across, factors >> 4);
    down = Math.max(down, factors & 15);
  }
  const progressive = (bytes[at + 1]! & 3) === 2;
  return { components, progressive, perPixel: (2 * samples) / (across * down) };
}

/** Pixels of one row of tiles, or of one strip: libtiff decodes it as a whole. Reads the first directory of the file. */
function tiffBand(file: Uint8Array, width: number, height: number): number {
  const tags = tiffTags(Buffer.from(file.buffer, file.byteOffset, file.byteLength));
  const [tileWidth, tileLength] = [tags.get(0x142), tags.get(0x143)];
  if (tileWidth && tileLength) return Math.ceil(width / tileWidth) * tileWidth * tileLength;
  return width * Math.min(height, tags.get(0x116) ?? height);
}

/** First number of each tag of the first directory, of TIFF and BigTIFF. Empty for a damaged file. */
function tiffTags(bytes: Buffer): Map<number, number> {
  const tags = new Map<number, number>();
  const little = bytes[0] === 0x49;
  const number = (at: number, size: number): number => {
    if (at + size > bytes.length || at < 0) return 0;
    if (size === 8) return Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
    return little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
  };
  const big = number(2, 2) === 43;
  const [word, entry] = big ? [8, 20] : [4, 12];
  const start = number(big ? 8 : 4, word);
  const count = Math.min(number(start, big ? 8 : 2), 4096);
  for (let i = 0, at = start + (big ? 8 : 2); i < count && at + entry <= bytes.length; i++, at += entry) {
    const size = { 1: 1, 3: 2, 4: 4, 16: 8 }[number(at + 2, 2)];
    if (size) tags.set(number(at, 2), number(at + 4 + word, size));
  }
  return tags;
}
