import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { drawPortrait } from '../testing/portraits/index.ts';
import { renderImage } from './render.ts';

/** A dark photo with a bright square as its face. It is stored rotated, and its EXIF block has a place. */
async function photo(): Promise<Uint8Array> {
  const square = { create: { width: 100, height: 100, channels: 3, background: '#fff' } } as const;
  const dark = sharp({ create: { width: 1600, height: 2000, channels: 3, background: '#111' } });
  const upright = await dark
    .composite([{ input: square, left: 300, top: 1500 }])
    .png()
    .toBuffer();
  return sharp(upright)
    .rotate(270)
    .withExif({ IFD3: { GPSLatitude: '41/1 53/1 24/1', GPSLatitudeRef: 'N' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
}
const brightness = async (bytes: Uint8Array) => (await sharp(bytes).greyscale().stats()).channels[0]!.mean;

describe('renderImage', () => {
  it('When the variant is preview, then the result is upright, at most 1024 px long and has no metadata', async () => {
    const preview = await renderImage(await photo(), { variant: 'preview' });

    const { width, height, format, exif, orientation } = await sharp(preview).metadata();
    expect({ width, height, format, exif, orientation }).toEqual({ width: 819, height: 1024, format: 'jpeg' });
  });

  it('When the photo is small, then the preview is not enlarged', async () => {
    const preview = await renderImage(await drawPortrait({ person: 1, size: 200 }), { variant: 'preview' });

    expect(await sharp(preview).metadata()).toMatchObject({ width: 200, height: 200 });
  });

  it('When the variant is face, then the face fills the square, with a margin', async () => {
    const box = { left: 300, top: 1500, width: 100, height: 100 };

    const face = await renderImage(await photo(), { variant: 'face', box });

    expect(await sharp(face).metadata()).toMatchObject({ width: 320, height: 320, format: 'jpeg' });
    const share = ((await brightness(face)) - 17) / (255 - 17);
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.5);
  });

  it.each([
    ['at the corner', { left: -40, top: -30, width: 90, height: 110 }],
    ['as large as the picture', { left: -20, top: -20, width: 260, height: 260 }],
    ['a few pixels large', { left: 198, top: 198, width: 1, height: 1 }],
  ])('When the face is %s, then the result is still a square picture', async (_where, box) => {
    const face = await renderImage(await drawPortrait({ person: 1, size: 200 }), { variant: 'face', box });

    expect(await sharp(face).metadata()).toMatchObject({ width: 320, height: 320 });
  });

  it('When the photo is truncated, then the error is IMAGE_CORRUPT', async () => {
    const whole = await drawPortrait({ person: 1, size: 300 });

    await expect(renderImage(whole.subarray(0, 3000), { variant: 'preview' })).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
    });
  });
});
