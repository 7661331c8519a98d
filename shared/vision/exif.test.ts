import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readExif } from './exif.ts';

const now = Date.UTC(2024, 0, 1);

/** An EXIF block as a camera writes it: IFD0 describes the image, IFD2 the exposure, IFD3 the GPS fix. */
async function block(exposure: Record<string, string>, satellite: Record<string, string> = {}): Promise<Uint8Array> {
  const blank = sharp({ create: { width: 8, height: 8, channels: 3, background: '#888' } });
  const photo = await blank.withExif({ IFD2: exposure, IFD3: satellite }).jpeg().toBuffer();
  return (await sharp(photo).metadata()).exif!;
}
const rome = {
  GPSLatitude: '41/1 53/1 24/1',
  GPSLatitudeRef: 'N',
  GPSLongitude: '12/1 29/1 32/1',
  GPSLongitudeRef: 'E',
};

describe('readExif', () => {
  it('When a camera wrote only wall-clock time, then it is taken as UTC', async () => {
    const facts = await readExif(await block({ DateTimeOriginal: '2023:06:07 08:09:10' }), now);

    expect(facts).toEqual({ capturedAt: '2023-06-07T08:09:10.000Z', location: null });
  });

  it.each([
    ['+02:00', '2023-06-07T06:09:10.000Z'],
    ['-09:30', '2023-06-07T17:39:10.000Z'],
    ['nonsense', '2023-06-07T08:09:10.000Z'],
  ])('When it also wrote the offset %s, then the time is %s', async (offset, moment) => {
    const exif = await block({ DateTimeOriginal: '2023:06:07 08:09:10', OffsetTimeOriginal: offset });

    expect((await readExif(exif, now)).capturedAt).toBe(moment);
  });

  it.each([
    '0000:00:00 00:00:00',
    '2023:02:31 08:00:00',
    '2023:13:01 08:00:00',
    '2023:06:07 25:00:00',
    '2099:01:01 00:00:00',
    '    :  :     :  :  ',
  ])('When the time is %s, then capturedAt is null', async (time) => {
    expect((await readExif(await block({ DateTimeOriginal: time }), now)).capturedAt).toBeNull();
  });

  it('When only the GPS data has a time, then that time is used', async () => {
    const exif = await block({}, { ...rome, GPSDateStamp: '2023:06:07', GPSTimeStamp: '8/1 9/1 105/10' });

    expect((await readExif(exif, now)).capturedAt).toBe('2023-06-07T08:09:10.000Z');
  });

  it('When the place is south and west, then both coordinates are negative', async () => {
    const exif = await block({}, { ...rome, GPSLatitudeRef: 'S', GPSLongitudeRef: 'W' });

    const { location } = await readExif(exif, now);

    expect(location?.lat).toBeCloseTo(-41.89, 6);
    expect(location?.lon).toBeCloseTo(-12.49222, 4);
  });

  it.each([
    ['0, 0', { GPSLatitude: '0/1 0/1 0/1', GPSLongitude: '0/1 0/1 0/1' }],
    ['beyond the pole', { GPSLatitude: '91/1 0/1 0/1' }],
    ['beyond the date line', { GPSLongitude: '181/1 0/1 0/1' }],
    ['a division by zero', { GPSLatitude: '41/0 53/1 24/1' }],
  ])('When the place is %s, then location is null', async (_what, wrong) => {
    expect((await readExif(await block({}, { ...rome, ...wrong }), now)).location).toBeNull();
  });

  it('When the block is unreadable, then time and place are null and nothing is thrown', async () => {
    const rubbish = Uint8Array.from({ length: 400 }, (_, i) => (i * 7919) % 256);

    expect(await readExif(rubbish, now)).toEqual({ capturedAt: null, location: null });
    expect(await readExif(new Uint8Array(), now)).toEqual({ capturedAt: null, location: null });
  });
});
