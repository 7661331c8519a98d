import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { exifBomb, jpegSegment } from '../testing/exif-bomb.ts';
import { pngChunk } from '../testing/png-chunk.ts';
import { drawPortrait } from '../testing/portraits/index.ts';
import { guardExif } from './exif-guard.ts';

const damaged = 'The EXIF data of the image is damaged.';
/** Enough pointers to be refused, and few enough to be read quickly. */
const bomb = exifBomb(300);
const segment = jpegSegment(bomb);

describe('guardExif', () => {
  let drawn: Sharp;
  let jpeg: Buffer;
  let png: Buffer;
  let webp: Buffer;

  beforeAll(async () => {
    drawn = sharp(await drawPortrait({ person: 'amaro', size: 64, format: 'png' }));
    [jpeg, png, webp] = await Promise.all([
      drawn.clone().jpeg().toBuffer(),
      drawn.clone().png().toBuffer(),
      drawn.clone().webp().toBuffer(),
    ]);
  });

  const between = (...parts: Uint8Array[]) => Buffer.concat([jpeg.subarray(0, 2), ...parts, jpeg.subarray(2)]);
  const animation = (...parts: Uint8Array[]) => riff(riffChunk('VP8X', vp8xWith(0b1010)), ...parts);
  const bombs: [string, () => Promise<Buffer> | Buffer][] = [
    ['is the first segment of a JPEG', () => between(segment)],
    ['follows a fill byte', () => between(Buffer.of(0xff), segment)],
    ['follows a thousand fill bytes', () => between(Buffer.alloc(1000, 0xff), segment)],
    ['follows stray bytes', () => between(Buffer.of(0x12, 0xff, 0x00, 0x34), segment)],
    ['follows a marker without a length', () => between(Buffer.of(0xff, 0xd0), segment)],
    ['follows another APP1 segment', () => between(Buffer.from('\xff\xe1\0\x0aXXXX\0\0\0\0', 'latin1'), segment)],
    [
      'is directly before the scan',
      () => {
        const scan = jpeg.indexOf(Buffer.of(0xff, 0xda));
        return Buffer.concat([jpeg.subarray(0, scan), segment, jpeg.subarray(scan)]);
      },
    ],
    ['is in a PNG', () => Buffer.concat([png.subarray(0, 33), pngChunk('eXIf', bomb), png.subarray(33)])],
    ['is in a WebP', () => riff(riffChunk('VP8X', vp8xWith(0b1000)), webp.subarray(12), riffChunk('EXIF', bomb))],
    [
      'is in the frame of a WebP',
      () =>
        animation(
          riffChunk('ANIM', Buffer.alloc(6)),
          riffChunk('ANMF', frame, webp.subarray(12), riffChunk('EXIF', bomb)),
        ),
    ],
    ['is in an AVIF', () => avifWith(drawn, 'Exif')],
    ['is in an AVIF and its type is lower case', () => avifWith(drawn, 'exif')],
  ];

  it.each(bombs)('When a directory that points to itself %s, then the image is refused', async (_, make) => {
    const image = await make();

    expect((await sharp(image).metadata()).exif?.length).toBeGreaterThanOrEqual(bomb.length);
    expect(() => guardExif(image)).toThrow(damaged);
  });

  it.each([
    ['that are cut inside every pointer', cutAt(exifBomb(50), 11, 12)],
    ['of which the first has no length', [bomb.subarray(0, 0), bomb]],
  ])('When the item of an AVIF consists of extents %s, then it is refused', (_, extents) => {
    expect(() => guardExif(avifOf([extents]))).toThrow(damaged);
  });

  it('When an AVIF has thousands of Exif items, then it is refused quickly', () => {
    const items = Array.from({ length: 5000 }, () => [Buffer.alloc(1)]);

    expect(() => guardExif(avifOf(items))).toThrow(damaged);
  });

  it('When a photo has ordinary EXIF data, then it is accepted', async () => {
    const tagged = drawn.clone().withExif({
      IFD0: { Make: 'a' },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 30/1 0/1' },
    });

    for (const image of await Promise.all([
      tagged.clone().jpeg().toBuffer(),
      tagged.clone().webp().toBuffer(),
      tagged.clone().png().toBuffer(),
      tagged.clone().avif().toBuffer(),
    ])) {
      expect(() => guardExif(image)).not.toThrow();
    }
  });

  it('When a comment or the pixels contain the name of the chunk, then the image is accepted', async () => {
    const text = (name: string) => Buffer.concat([Buffer.from(`Comment\0the ${name} `), bomb]);
    const commented = Buffer.concat([png.subarray(0, 33), pngChunk('tEXt', text('eXIf')), png.subarray(33)]);
    const pixels = riff(riffChunk('VP8X', vp8xWith(0)), webp.subarray(12), riffChunk('XXXX', text('EXIF')));

    for (const image of [commented, pixels]) {
      expect((await sharp(image).metadata()).exif).toBeUndefined();
      expect(() => guardExif(image)).not.toThrow();
    }
  });

  it('When a file is truncated at any byte, then it is accepted or refused as damaged', async () => {
    const avif = await avifWith(drawn, 'Exif');

    for (const image of [between(segment), png, webp, avif]) {
      for (let length = 0; length < image.length; length += 7) {
        try {
          guardExif(image.subarray(0, length));
        } catch (error) {
          expect(error).toMatchObject({ message: damaged });
        }
      }
    }
  });
});

/** An AVIF whose EXIF data is replaced by the bomb; both have the same length. */
async function avifWith(image: Sharp, type: string): Promise<Buffer> {
  const tagged = image.clone().withExif({ IFD0: { ImageDescription: 'a'.repeat(bomb.length) } });
  const avif = await tagged.avif({ effort: 0 }).toBuffer();
  bomb.copy(avif, avif.lastIndexOf('Exif\0\0', undefined, 'latin1') + 6);
  avif.write(type, avif.indexOf('Exif', 0, 'latin1'), 'latin1');
  return avif;
}

/** The part of an AVIF that is read before its pixels: the Exif items and their extents. */
function avifOf(items: readonly (readonly Buffer[])[]): Buffer {
  const start = Buffer.concat([box('ftyp', Buffer.from('avif\0\0\0\0avif')), box('mdat', ...items.flat())]);
  let offset = 20 + 8;
  const locations = items.map((extents, id) => {
    const places = extents.flatMap((extent) => {
      offset += extent.length;
      return shorts(0, offset - extent.length, 0, extent.length);
    });
    return Buffer.concat([shorts(id, 0, extents.length), ...places]);
  });
  const entries = items.map((_, id) => box('infe', shorts(0x200, 0, id, 0), Buffer.from('Exif\0')));
  const listed = box('iinf', shorts(0, 0, items.length), ...entries);
  const placed = box('iloc', shorts(0, 0, 0x4400, items.length), ...locations);
  return Buffer.concat([start, box('meta', shorts(0, 0), listed, placed)]);
}

function cutAt(bytes: Buffer, first: number, step: number): Buffer[] {
  const parts = [bytes.subarray(0, first)];
  for (let at = first; at < bytes.length; at += step) parts.push(bytes.subarray(at, at + step));
  return parts;
}

const shorts = (...values: number[]): Buffer => Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));

function box(name: string, ...parts: Uint8Array[]): Buffer {
  const size = Buffer.alloc(4);
  const body = Buffer.concat(parts);
  size.writeUInt32BE(body.length + 8);
  return Buffer.concat([size, Buffer.from(name), body]);
}

function riff(...chunks: Uint8Array[]): Buffer {
  return riffChunk('RIFF', Buffer.from('WEBP'), ...chunks);
}

function riffChunk(name: string, ...parts: Uint8Array[]): Buffer {
  const size = Buffer.alloc(4);
  const body = Buffer.concat(parts);
  size.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.from(name), size, body, Buffer.alloc(body.length % 2)]);
}

/** The header of a WebP of 64 x 64 pixels. Features: 8 is EXIF, 2 is animation. */
const vp8xWith = (features: number): Buffer => Buffer.from([features, 0, 0, 0, 63, 0, 0, 63, 0, 0]);

/** The header of a frame of 64 x 64 pixels that is shown for 10 ms. */
const frame = Buffer.from([0, 0, 0, 0, 0, 0, 63, 0, 0, 63, 0, 0, 10, 0, 0, 0]);
