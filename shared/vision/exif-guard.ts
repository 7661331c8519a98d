import { AppError } from '../errors.ts';

/** EXIF directories that point to others: Exif, GPS, interoperability. An honest photo has each once. */
const pointerTags = [0x8769, 0x8825, 0xa005];
/** Chance alone puts a few into the thumbnail that EXIF carries: about three in the 64 kB that a block may have. */
const mostPointers = 32;

/**
 * Refuses metadata made to keep a reader busy: thousands of pointers to one directory cost libexif seconds in 65 kB, and what
 * is inside the image library cannot be interrupted. Looks at JPEG's APP1 segments and at the EXIF chunks of PNG and WebP.
 * Throws IMAGE_CORRUPT.
 */
export function guardExif(bytes: Uint8Array): void {
  for (const block of exifBlocks(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))) {
    if (countPointers(block) <= mostPointers) continue;
    throw new AppError('IMAGE_CORRUPT', { message: 'The EXIF data of the image is damaged.' });
  }
}

function* exifBlocks(bytes: Buffer): Iterable<Buffer> {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) yield* jpegBlocks(bytes);
  else if (bytes.subarray(0, 4).toString('latin1') === 'RIFF')
    yield* chunks(bytes, 'EXIF', (at) => bytes.readUInt32LE(at + 4), 8);
  else if (bytes.subarray(1, 4).toString('latin1') === 'PNG')
    yield* chunks(bytes, 'eXIf', (at) => bytes.readUInt32BE(at - 4), 4);
}

/** APP1 segments before the picture begins. */
function* jpegBlocks(bytes: Buffer): Iterable<Buffer> {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    if (bytes[at + 1] === 0xe1) yield bytes.subarray(at + 4, end);
    at = end;
  }
}

function* chunks(bytes: Buffer, name: string, length: (at: number) => number, head: number): Iterable<Buffer> {
  for (
    let at = bytes.indexOf(name, 8, 'latin1');
    at >= 8 && at + 8 <= bytes.length;
    at = bytes.indexOf(name, at + 4, 'latin1')
  ) {
    yield bytes.subarray(at + head, at + head + length(at));
  }
}

/** In both byte orders. */
function countPointers(block: Buffer): number {
  let count = 0;
  for (let at = 0; at + 1 < block.length; at++) {
    if (pointerTags.includes(block.readUInt16BE(at)) || pointerTags.includes(block.readUInt16LE(at))) count += 1;
  }
  return count;
}
