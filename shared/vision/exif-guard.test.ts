import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { drawPortrait } from '../testing/portraits/index.ts';
import { guardExif } from './exif-guard.ts';

/** A directory whose entries all point back to it. */
function bomb(entries: number): Buffer {
  const tiff = Buffer.alloc(14 + 12 * entries);
  tiff.write('MM\0*', 'latin1');
  tiff.writeUInt32BE(8, 4);
  tiff.writeUInt16BE(entries, 8);
  for (let i = 0; i < entries; i++) {
    tiff.writeUInt16BE(0x8769, 10 + 12 * i);
    tiff.writeUInt16BE(4, 12 + 12 * i);
    tiff.writeUInt32BE(1, 14 + 12 * i);
    tiff.writeUInt32BE(8, 18 + 12 * i);
  }
  return tiff;
}

function jpegWith(exif: Buffer, jpeg: Uint8Array): Buffer {
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0, 0]);
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), exif]);
  head.writeUInt16BE(body.length + 2, 4);
  return Buffer.concat([head, body, jpeg.subarray(2)]);
}

describe('guardExif', () => {
  it('When a directory points to itself thousands of times, then the image is refused', async () => {
    const jpeg = await drawPortrait({ person: 'amaro', size: 64 });

    expect(() => guardExif(jpegWith(bomb(5000), jpeg))).toThrow('The EXIF data of the image is damaged.');
  });

  it('When the chunk stands in a WebP or a PNG, then it is refused too', () => {
    const chunk = bomb(5000);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(chunk.length);
    const webp = Buffer.concat([Buffer.from('RIFF\0\0\0\0WEBP', 'latin1'), Buffer.from('EXIF'), size, chunk]);
    size.writeUInt32BE(chunk.length);
    const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), size, Buffer.from('eXIf'), chunk]);

    for (const image of [webp, png]) expect(() => guardExif(image)).toThrow('The EXIF data of the image is damaged.');
  });

  it('When a photo has ordinary EXIF, then it passes', async () => {
    const drawn = await drawPortrait({ person: 'amaro', size: 64, format: 'png' });
    const tagged = sharp(drawn).withExif({
      IFD0: { Make: 'a' },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 30/1 0/1' },
    });

    for (const image of [
      await tagged.clone().jpeg().toBuffer(),
      await tagged.clone().webp().toBuffer(),
      await tagged.clone().png().toBuffer(),
    ]) {
      expect(() => guardExif(image)).not.toThrow();
    }
  });
});
