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
  it('When a camera wrote only wall-clock time, then it is taken as UTC and the zone is assumed', async () => {
    const facts = await readExif(await block({ DateTimeOriginal: '2023:06:07 08:09:10' }), now);

    expect(facts).toEqual({ capturedAt: '2023-06-07T08:09:10.000Z', capturedAtZone: 'assumed', location: null });
  });

  it.each([
    ['OffsetTimeOriginal', '+02:00', '2023-06-07T06:09:10.000Z', 'offset'],
    ['OffsetTimeOriginal', '-09:30', '2023-06-07T17:39:10.000Z', 'offset'],
    ['OffsetTime', '+05:45', '2023-06-07T02:24:10.000Z', 'offset'],
    ['OffsetTimeDigitized', '+0200', '2023-06-07T06:09:10.000Z', 'offset'],
    ['OffsetTime', 'Z', '2023-06-07T08:09:10.000Z', 'offset'],
    ['OffsetTimeOriginal', 'nonsense', '2023-06-07T08:09:10.000Z', 'assumed'],
    ['OffsetTimeOriginal', '+19:00', '2023-06-07T08:09:10.000Z', 'assumed'],
  ])('When %s is %s, then the time is %s and the zone is %s', async (tag, offset, moment, zone) => {
    const facts = await readExif(await block({ DateTimeOriginal: '2023:06:07 08:09:10', [tag]: offset }), now);

    expect([facts.capturedAt, facts.capturedAtZone]).toEqual([moment, zone]);
  });

  it.each([
    ['two hours behind', '6/1 9/1 40/1', '2023-06-07T06:09:10.000Z', 'gps'],
    ['an old fix', '6/1 16/1 0/1', '2023-06-07T08:09:10.000Z', 'assumed'],
  ])(
    'When the GPS time is %s, then the zone is that of the difference only if it exists',
    async (_, clock, moment, zone) => {
      const satellite = { ...rome, GPSDateStamp: '2023:06:07', GPSTimeStamp: clock };

      const facts = await readExif(await block({ DateTimeOriginal: '2023:06:07 08:09:10' }, satellite), now);

      expect([facts.capturedAt, facts.capturedAtZone]).toEqual([moment, zone]);
    },
  );

  it('When only the time of the last edit is there, then there is no capture time', async () => {
    const blank = sharp({ create: { width: 8, height: 8, channels: 3, background: '#888' } });
    const edited = await blank
      .withExif({ IFD0: { DateTime: '2023:06:07 08:09:10' } })
      .jpeg()
      .toBuffer();

    const facts = await readExif((await sharp(edited).metadata()).exif!, now);

    expect(facts).toMatchObject({ capturedAt: null, capturedAtZone: null });
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

    expect(await readExif(exif, now)).toMatchObject({ capturedAt: '2023-06-07T08:09:10.000Z', capturedAtZone: 'gps' });
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

    expect(await readExif(rubbish, now)).toEqual({ capturedAt: null, capturedAtZone: null, location: null });
    expect(await readExif(new Uint8Array(), now)).toEqual({ capturedAt: null, capturedAtZone: null, location: null });
  });
});
