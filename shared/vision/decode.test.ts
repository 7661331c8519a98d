import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decoding } from '../domain/tuning.ts';
import { AppError } from '../errors.ts';
import { drawPortrait } from '../testing/portraits/index.ts';
import { describeShared } from '../testing/shared-files.ts';
import { decodeImage } from './decode.ts';

/** Red on the left, blue on the right, as the file stores it: EXIF orientation not applied. */
const redAndBlue = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#d00000' } }).composite([
    { input: { create: { width: width / 2, height, channels: 3, background: '#0000d0' } }, left: width / 2, top: 0 },
  ]);
/** Colour of the pixel at `x`, `y`, which are 0..1 of the picture's width and height. */
async function colourAt(bytes: Uint8Array, x: number, y: number): Promise<'red' | 'blue'> {
  const { raster } = await decodeImage(bytes);
  const at = 3 * (Math.floor(y * raster.height) * raster.width + Math.floor(x * raster.width));
  return raster.pixels[at]! > raster.pixels[at + 2]! ? 'red' : 'blue';
}
const outcome = async (bytes: Uint8Array): Promise<string> =>
  decodeImage(bytes).then(
    ({ facts }) => `${facts.format} ${facts.width}x${facts.height}`,
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );

describe('decodeImage', () => {
  it.each(['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff'] as const)(
    'When a portrait is a %s file, then its pixels are those of the drawing',
    async (format) => {
      const size = { width: 96, height: 64 };
      const truth = await drawPortrait({ person: 3, size, format: 'raw' });

      const { facts, raster, scale } = await decodeImage(await drawPortrait({ person: 3, size, format }));

      const error = truth.reduce((sum, value, i) => sum + Math.abs(value - raster.pixels[i]!), 0) / truth.length;
      expect(facts).toEqual({
        ...size,
        format,
        contentType: `image/${format}`,
        capturedAt: null,
        capturedAtZone: null,
        location: null,
      });
      expect(raster.pixels).toHaveLength(3 * 96 * 64);
      expect(scale).toBe(1);
      expect(error).toBeLessThan(6);
    },
  );

  it.each([
    [1, 'red', 0.1, 0.5],
    [2, 'red', 0.9, 0.5],
    [3, 'red', 0.9, 0.5],
    [4, 'red', 0.1, 0.5],
    [5, 'red', 0.5, 0.1],
    [6, 'red', 0.5, 0.1],
    [7, 'red', 0.5, 0.9],
    [8, 'red', 0.5, 0.9],
  ] as const)('When EXIF orientation is %d, then the raster is upright', async (orientation, colour, x, y) => {
    const bytes = await redAndBlue(80, 40).withMetadata({ orientation }).jpeg().toBuffer();

    const { facts, raster } = await decodeImage(bytes);

    expect([facts.width, facts.height]).toEqual(orientation < 5 ? [80, 40] : [40, 80]);
    expect([raster.width, raster.height]).toEqual([facts.width, facts.height]);
    expect(await colourAt(bytes, x, y)).toBe(colour);
    expect(await colourAt(bytes, 1 - x, 1 - y)).toBe('blue');
  });

  it('When a photo is larger than the raster limit, then facts has its size and scale is the ratio', async () => {
    const { facts, raster, scale } = await decodeImage(await redAndBlue(4096, 1024).jpeg().toBuffer());

    expect([facts.width, facts.height]).toEqual([4096, 1024]);
    expect([raster.width, raster.height]).toEqual([decoding.longerSide, 512]);
    expect(scale).toBe(0.5);
  });

  it('When a picture is grey, 16 bits deep, a palette or CMYK, then it becomes 8-bit RGB', async () => {
    const grey = redAndBlue(40, 40).greyscale();
    const pictures = [
      await grey.clone().png().toBuffer(),
      await redAndBlue(40, 40).toColourspace('rgb16').png().toBuffer(),
      await redAndBlue(40, 40).png({ palette: true }).toBuffer(),
      await redAndBlue(40, 40).toColourspace('cmyk').jpeg().toBuffer(),
      await sharp(await grey.png().toBuffer())
        .ensureAlpha(0.5)
        .png()
        .toBuffer(),
    ];

    const rasters = await Promise.all(pictures.map(async (bytes) => (await decodeImage(bytes)).raster));

    for (const raster of rasters) expect(raster.pixels).toHaveLength(3 * 40 * 40);
    for (const bytes of pictures.slice(1, 4)) expect(await colourAt(bytes, 0.25, 0.5)).toBe('red');
  });

  it('When a picture is transparent, then its background is grey', async () => {
    const clear = await sharp({ create: { width: 8, height: 8, channels: 4, background: '#ff000000' } })
      .png()
      .toBuffer();

    const { raster } = await decodeImage(clear);

    expect(Array.from(raster.pixels.subarray(0, 3))).toEqual([128, 128, 128]);
  });

  it('When a picture is an animation, then its first frame is decoded', async () => {
    const frames = Buffer.concat([Buffer.alloc(3 * 64, 10), Buffer.alloc(3 * 64, 240)]);
    const moving = await sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } })
      .gif()
      .toBuffer();

    const { facts, raster } = await decodeImage(moving);

    expect([facts.width, facts.height]).toEqual([8, 8]);
    expect(raster.pixels[0]).toBeLessThan(20);
  });

  it('When a picture has too many pixels, then it is refused before it is decoded', async () => {
    const bomb = await sharp({ create: { width: 12000, height: 9000, channels: 3, background: '#fff' } })
      .png({ compressionLevel: 9 })
      .toBuffer();

    expect(await outcome(bomb)).toBe('IMAGE_TOO_LARGE');
  });

  it('When a file has too many bytes, then it is refused before it is read', async () => {
    const padded = new Uint8Array(decoding.maxBytes + 1);
    padded.set(await drawPortrait({ person: 1, size: 32 }));

    expect(await outcome(padded)).toBe('IMAGE_TOO_LARGE');
  });

  it('When a photo is truncated, then it is corrupt; when other bytes follow it, then it is decoded', async () => {
    const whole = await drawPortrait({ person: 2, size: 200 });

    expect(await outcome(whole.subarray(0, whole.length / 2))).toBe('IMAGE_CORRUPT');
    expect(await outcome(Buffer.concat([whole, Buffer.from('<html>not part of it</html>')]))).toBe('jpeg 200x200');
  });

  it('When a file is only a signature, then the image is corrupt', async () => {
    expect(await outcome(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16))).toBe('IMAGE_CORRUPT');
    expect(await outcome(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))).toBe('IMAGE_CORRUPT');
  });
});

describeShared('decodeImage on real files', 'photos/hard', (folder) => {
  it.each([
    ['corrupt/compreface_corrupted.png', 'IMAGE_CORRUPT'],
    ['corrupt/compreface_truncated.jpg', 'IMAGE_CORRUPT'],
    ['corrupt/pillow_truncated_image.png', 'IMAGE_CORRUPT'],
    ['corrupt/sharp_corrupt-header.jpg', 'IMAGE_CORRUPT'],
    ['corrupt/pillow_crash-2020-10-test.tif', 'IMAGE_CORRUPT'],
    ['corrupt/pillow_pngtest_bad.png.bin', 'UNSUPPORTED_IMAGE'],
    ['corrupt/pillow_hopper_bad_exif.jpg', 'jpeg 500x500'],
    ['corrupt/pillow_invalid-exif.jpg', 'jpeg 200x200'],
    ['corrupt/exifsamples_45-gps_ifd.jpg', 'jpeg 1600x900'],
    ['derived/A_jpeg_plus_trailing_html.jpg', 'jpeg 958x1280'],
    ['derived/A_png_named.jpg', 'png 72x96'],
    ['derived/A_truncated_half.jpg', 'IMAGE_CORRUPT'],
    ['derived/A_cmyk.jpg', 'jpeg 958x1280'],
    ['derived/A_gray_alpha.png', 'png 958x1280'],
    ['derived/A.bmp', 'UNSUPPORTED_IMAGE'],
    ['derived/A.heic', 'heic 958x1280'],
    ['heic/exifsamples_samplefilehub.heif', 'heic 640x426'],
    ['corrupt/libheif_github_15.heic', 'UNSUPPORTED_IMAGE'],
    ['corrupt/libheif_clusterfuzz-testcase-minimized-file-fuzzer-5752063708495872.heic', 'IMAGE_CORRUPT'],
    ['derived/text_named.jpg', 'UNSUPPORTED_IMAGE'],
    ['derived/zero_byte.jpg', 'EMPTY_IMAGE'],
    ['derived/bomb_20000x20000_gray.png', 'IMAGE_TOO_LARGE'],
    ['bomb/sharp_giant-image.jpg', 'IMAGE_TOO_LARGE'],
    ['bomb/sharp_65536-uint32-limit.png', 'IMAGE_TOO_LARGE'],
    ['bomb/pillow_decompression_bomb.gif', 'IMAGE_CORRUPT'],
    ['bomb/sharp_big-height.webp', 'webp 13x169'],
    ['formats/pillow_hopper.psd', 'UNSUPPORTED_IMAGE'],
    ['formats/compreface_einstein.ico', 'UNSUPPORTED_IMAGE'],
    ['formats/sharp_animated-loop-3.gif', 'gif 370x285'],
    ['formats/sharp_Flag_of_the_Netherlands-16bit.png', 'png 900x600'],
    ['formats/pillow_frozenpond.mpo', 'jpeg 640x480'],
    ['exif_orientation/immich_portrait-orientation-6.jpg', 'jpeg 840x700'],
  ])('When the file is %s, then the outcome is %s', async (file, expected) => {
    expect(await outcome(await readFile(join(folder, file)))).toBe(expected);
  });

  it('When the EXIF block has a time and a place, then both are read', async () => {
    const { facts } = await decodeImage(await readFile(join(folder, 'gps/exifsamples_DSCN0010.jpg')));

    expect(facts.capturedAt).toBe('2008-10-22T16:28:39.000Z');
    expect(facts.location?.lat).toBeCloseTo(43.46745, 4);
    expect(facts.location?.lon).toBeCloseTo(11.88513, 4);
  });
});
