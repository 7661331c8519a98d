import { AppError } from '../errors.ts';
import { fourLetters, isoExifBlocks } from './exif-in-iso.ts';

/** EXIF tags that point to another directory: Exif, GPS, interoperability. A normal photo has each tag once. */
const pointerTags = [0x8769, 0x8825, 0xa005];
/** Pointers allowed in one block. The EXIF thumbnail contains a few by chance: about three in the 64 kB that are read. */
const mostPointers = 32;

/** EXIF blocks allowed in one file. The image library reads only one. */
const mostBlocks = 64;

/**
 * Refuses EXIF data that keeps a reader busy. Thousands of pointers to one directory fit into 65 kB and cost libexif seconds, and a
 * call of the image library cannot be interrupted. Errors: IMAGE_CORRUPT.
 *
 * [Note: Location of EXIF blocks]
 * These places were tested with a bomb in each. The image library passes to libexif: APP1 segments of a JPEG that begin with `Exif`,
 * up to the first scan and with any bytes between the segments; eXIf chunks of a PNG; EXIF chunks of a WebP, also inside a frame;
 * Exif items of AVIF and HEIC. It passes nothing from TIFF and GIF, from text chunks, or from after the first scan of a JPEG.
 */
export function guardExif(bytes: Uint8Array): void {
  let blocks = 0;
  for (const block of exifBlocks(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))) {
    blocks += 1;
    if (blocks <= mostBlocks && countPointers(block.subarray(0, mostRead)) <= mostPointers) continue;
    throw new AppError('IMAGE_CORRUPT', { message: 'The EXIF data of the image is damaged.' });
  }
}

/** libexif reads at most 65,534 bytes of a block. Before them come `Exif\0\0` and, in AVIF, four more bytes. */
const mostRead = 0xfffe + 10;

function* exifBlocks(bytes: Buffer): Iterable<Buffer> {
  if (bytes.length < 12) return;
  const [first, second] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
  if (first >>> 16 === 0xffd8) yield* jpegBlocks(bytes);
  else if (first === fourLetters('RIFF')) yield* webpBlocks(bytes);
  else if (first === fourLetters('\x89PNG')) yield* pngBlocks(bytes);
  else if (second === fourLetters('ftyp')) yield* isoExifBlocks(bytes, mostRead);
}

/** Finds markers in the same way as libjpeg: skips fill bytes, stray bytes and markers without a length. */
function* jpegBlocks(bytes: Buffer): Iterable<Buffer> {
  for (let at = 2; at < bytes.length; ) {
    while (at < bytes.length && bytes[at] !== 0xff) at += 1;
    while (bytes[at] === 0xff) at += 1;
    const marker = bytes[at];
    at += 1;
    if (marker === startOfScan || marker === endOfImage || at + 2 > bytes.length) return;
    if (marker === stuffed || hasNoLength(marker!)) continue;
    const end = at + Math.max(2, bytes.readUInt16BE(at));
    if (marker === app1 && bytes.toString('latin1', at + 2, at + 6) === 'Exif') yield bytes.subarray(at + 2, end);
    at = end;
  }
}

const app1 = 0xe1;
const startOfScan = 0xda;
const endOfImage = 0xd9;
const stuffed = 0;
const hasNoLength = (marker: number): boolean => marker === 1 || (marker >= 0xd0 && marker <= 0xd7);

function* pngBlocks(bytes: Buffer): Iterable<Buffer> {
  const wanted = fourLetters('eXIf');
  for (let at = 8; at + 8 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at);
    if (bytes.readUInt32BE(at + 4) === wanted) yield bytes.subarray(at + 8, end);
    at = end + 4;
  }
}

/** Chunks are padded to an even length. Also visits the chunks inside a frame: libwebp reads on there after the frame's pixels. */
function* webpBlocks(bytes: Buffer): Iterable<Buffer> {
  const [wanted, frame] = [fourLetters('EXIF'), fourLetters('ANMF')];
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = bytes.readUInt32BE(at);
    const end = at + 8 + (name === frame ? frameHeader : bytes.readUInt32LE(at + 4));
    if (name === wanted) yield bytes.subarray(at + 8, end);
    at = end + (end % 2);
  }
}

const frameHeader = 16;

/** Counts pointer tags in both byte orders. */
function countPointers(block: Buffer): number {
  let count = 0;
  for (let at = 0; at + 1 < block.length; at++) count += isPointer[(block[at]! << 8) | block[at + 1]!]!;
  return count;
}

/** 1 at the big-endian value of each pair of bytes that is a pointer tag in either byte order. */
const isPointer = new Uint8Array(0x10000);
for (const tag of pointerTags) {
  isPointer[tag] = 1;
  isPointer[((tag & 0xff) << 8) | (tag >> 8)] = 1;
}
