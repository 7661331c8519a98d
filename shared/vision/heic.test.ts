import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { decodeCosts } from '../domain/tuning.ts';
import { drawPortrait } from '../testing/portraits/index.ts';
import { decodeImage } from './decode.ts';
import { decodeHeic } from './heic.ts';
import { heicHeader } from './heic-header.ts';
import { renderImage } from './render.ts';

const file = (name: string) => readFile(`shared/vision/testing/heic/${name}`);
const size = { width: 480, height: 640 };
const { side } = decodeCosts.heic;

describe('decodeImage with HEIC', () => {
  it.each(['phone', 'ten-bit', 'burst'])(
    'When the photo is %s.heic, then its pixels are those of the drawing',
    async (name) => {
      const truth = await drawPortrait({ person: 'greta', size, format: 'raw' });

      const { facts, raster, scale } = await decodeImage(await file(`${name}.heic`));

      const error = truth.reduce((sum, value, i) => sum + Math.abs(value - raster.pixels[i]!), 0) / truth.length;
      expect(facts).toMatchObject({ ...size, format: 'heic', contentType: 'image/heic' });
      expect(scale).toBe(1);
      expect(error).toBeLessThan(4);
    },
  );

  it('When EXIF repeats the rotation of the container, then it is applied once, and time and place are read', async () => {
    const { facts } = await decodeImage(await file('phone.heic'));

    expect([facts.width, facts.height]).toEqual([480, 640]);
    expect(facts.capturedAt).toBe('2023-06-07T06:09:10.000Z');
    expect(facts.location?.lat).toBeCloseTo(41.89, 4);
    expect(facts.location?.lon).toBeCloseTo(12.49222, 4);
  });

  it('When the photo is transparent, then its background is grey', async () => {
    const { raster } = await decodeImage(await file('alpha.heic'));

    expect(Array.from(raster.pixels.subarray(0, 3))).toEqual([128, 128, 128]);
  });

  it('When a photo has 12 megapixels, then facts has its size and the raster is shrunk', async () => {
    const { facts, raster, scale } = await decodeImage(await file('flat-12mp.heic'));

    expect([facts.width, facts.height]).toEqual([4032, 3024]);
    expect([raster.width, raster.height]).toEqual([2048, 1536]);
    expect(scale).toBeCloseTo(2048 / 4032, 6);
    expect(raster.pixels[0]).toBeCloseTo(90, -1);
  });

  it('When a preview or a face is rendered, then the result is an upright JPEG', async () => {
    const bytes = await file('phone.heic');
    const { default: sharp } = await import('sharp');

    const preview = await sharp(await renderImage(bytes, { variant: 'preview' })).metadata();
    const box = { left: 160, top: 200, width: 160, height: 200 };
    const face = await sharp(await renderImage(bytes, { variant: 'face', box })).metadata();

    expect(preview).toMatchObject({ format: 'jpeg', ...size });
    expect(face).toMatchObject({ format: 'jpeg', width: 320, height: 320 });
  });

  it('When the photo is truncated, then it is corrupt', async () => {
    const bytes = await file('phone.heic');

    await expect(decodeImage(bytes.subarray(0, bytes.length / 2))).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
  });

  it('When the header announces too many pixels or too much memory, then the photo is refused before decoding', async () => {
    const bytes = await file('flat-12mp.heic');
    const limits = { maxBytes: 1e6, maxPixels: 1e8, maxMemory: 1e9 };

    await expect(decodeImage(bytes, { limits: { ...limits, maxPixels: 4032 * 3024 - 1 } })).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: expect.stringContaining('pixels'),
    });
    await expect(decodeImage(bytes, { limits: { ...limits, maxMemory: 1e8 } })).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: expect.stringContaining('MiB of memory'),
    });
  });
});

describe('decodeHeic', () => {
  it('When a file announces fewer pixels than it has, then its decoder does not get more memory', async () => {
    const bytes = Buffer.from(await file('flat-12mp.heic'));
    const dimensions = bytes.indexOf('ispe') + 8;
    bytes.writeUInt32BE(64, dimensions);
    bytes.writeUInt32BE(64, dimensions + 4);

    expect(heicHeader(bytes).pixels).toBe(64 * 64);
    await expect(decodeImage(bytes)).rejects.toMatchObject({ code: expect.stringMatching(/TOO_LARGE|CORRUPT/) });
  });

  it('When the decoder needs more memory than allowed, then the photo is refused', async () => {
    await expect(decodeHeic(await file('flat-12mp.heic'), { memory: 40e6, side })).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
    });
  });

  it('When the caller aborts during the decode, then it rejects with the reason', async () => {
    const stop = new AbortController();
    const decoding = decodeHeic(await file('flat-12mp.heic'), { memory: 200e6, side, signal: stop.signal });
    setImmediate(() => stop.abort(new Error('gone')));

    await expect(decoding).rejects.toThrow('gone');
  });

  it('When a region is selected and it is large, then it is shrunk by a whole number', async () => {
    const regionOf = () => ({ left: 100, top: 50, width: 301, height: 200 });

    const shrunk = await decodeHeic(await file('phone.heic'), { memory: 200e6, side: 100, regionOf });
    const whole = await decodeHeic(await file('phone.heic'), { memory: 200e6, side: 1000, regionOf });

    const mean = (data: Uint8Array) => data.reduce((sum, value) => sum + value, 0) / data.length;
    expect(shrunk).toMatchObject({ width: 100, height: 66, channels: 3, picture: size });
    expect(whole).toMatchObject({ width: 301, height: 200 });
    expect(mean(shrunk.data)).toBeCloseTo(mean(whole.data), -1);
  });
});

describe('decodeImage with an AVIF sequence', () => {
  it('When the file is a sequence, then its first frame is decoded', async () => {
    const truth = await drawPortrait({ person: 'greta', size: { width: 240, height: 320 }, format: 'raw' });

    const { facts, raster } = await decodeImage(await file('sequence.avif'));

    const error = truth.reduce((sum, value, i) => sum + Math.abs(value - raster.pixels[i]!), 0) / truth.length;
    expect(facts).toMatchObject({ width: 240, height: 320, format: 'avif', contentType: 'image/avif' });
    expect(error).toBeLessThan(6);
  });
});
