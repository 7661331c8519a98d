import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { sharedPlatform, type TestPlatform } from '../../shared/testing/platform.ts';
import { drawPortrait } from '../../shared/testing/portraits/index.ts';
import { functions } from '../registry.gen.ts';

/** A photo with EXIF data, as from a camera. IFD2 has the exposure data, IFD3 the GPS data. */
async function photo(scene: string, exposure: Record<string, string>, satellite: Record<string, string> = {}) {
  const portrait = await drawPortrait({ person: 'amaro', scene });
  return sharp(portrait).withExif({ IFD2: exposure, IFD3: satellite }).jpeg().toBuffer();
}

const berlin = {
  GPSLatitude: '52/1 31/1 12/1',
  GPSLatitudeRef: 'N',
  GPSLongitude: '13/1 24/1 18/1',
  GPSLongitudeRef: 'E',
};

describe('persons/{id}/timeline', () => {
  const platform = sharedPlatform(functions);

  async function enrolled(image: Uint8Array, fields: Record<string, string>) {
    const answer = await platform().call('POST', '/api/v1/faces/enroll', { form: { image, ...fields } });
    expect(answer.json).toMatchObject({ success: true });
    return answer.json.data;
  }
  const timeline = async ({ call }: TestPlatform, personId: string, query = '') =>
    (await call('GET', `/api/v1/persons/${personId}/timeline${query}`)).json.data;

  it.each([
    [
      'a local time without an offset, read as UTC',
      { DateTimeOriginal: '2023:06:07 08:09:10' },
      '2023-06-07T08:09:10.000Z',
    ],
    [
      'an offset of one hour east',
      { DateTimeOriginal: '2023:06:07 00:30:00', OffsetTimeOriginal: '+01:00' },
      '2023-06-06T23:30:00.000Z',
    ],
    [
      'an offset of 9.5 hours west',
      { DateTimeOriginal: '2023:06:07 08:09:10', OffsetTimeOriginal: '-09:30' },
      '2023-06-07T17:39:10.000Z',
    ],
    ['a date that does not exist', { DateTimeOriginal: '2023:02:31 08:00:00' }, null],
    ['a date in the future', { DateTimeOriginal: '2999:01:01 00:00:00' }, null],
    ['a camera clock that was never set', { DateTimeOriginal: '0000:00:00 00:00:00' }, null],
  ])(
    'When the photo has %s, then the appearance has this time, or the time of enrolment if it is invalid',
    async (what, exposure, at) => {
      const personId = `time-${what.replaceAll(' ', '-').replaceAll(',', '')}`;
      const before = Date.now();

      const { face_id } = await enrolled(await photo(what, exposure), { person_id: personId });

      const { appearances } = await timeline(platform(), personId);
      expect(appearances).toEqual([expect.objectContaining({ face_id, captured_at: at, location: null })]);
      if (at !== null) expect(appearances[0].at).toBe(at);
      else expect(Date.parse(appearances[0].at)).toBeGreaterThanOrEqual(before);
    },
  );

  it.each([
    ['north and east', {}, { lat: 52.52, lon: 13.405 }],
    ['south and west', { GPSLatitudeRef: 'S', GPSLongitudeRef: 'W' }, { lat: -52.52, lon: -13.405 }],
    ['with an invalid altitude', { GPSAltitude: '0/0', GPSAltitudeRef: '7' }, { lat: 52.52, lon: 13.405 }],
    ['from a receiver without a fix', { GPSLatitude: '0/1 0/1 0/1', GPSLongitude: '0/1 0/1 0/1' }, null],
    ['beyond the pole', { GPSLatitude: '95/1 0/1 0/1' }, null],
    ['with invalid minutes', { GPSLatitude: '52/1 1/0 0/1' }, null],
  ])(
    'When the photo has a location %s, then the appearance has this location, or none if it is invalid',
    async (what, satellite, location) => {
      const personId = `place-${what.replaceAll(' ', '-')}`;

      await enrolled(await photo(what, {}, { ...berlin, ...satellite }), { person_id: personId });

      const [appearance] = (await timeline(platform(), personId)).appearances;
      if (location === null) expect(appearance.location).toBeNull();
      else {
        expect(appearance.location.lat).toBeCloseTo(location.lat, 6);
        expect(appearance.location.lon).toBeCloseTo(location.lon, 6);
      }
    },
  );

  it('When the request has a time and a location, then they replace the ones of the photo', async () => {
    const image = await photo('both', { DateTimeOriginal: '2020:01:01 00:00:00' }, berlin);

    await enrolled(image, {
      person_id: 'given',
      captured_at: '2024-02-29T23:59:59-03:00',
      location: '{"lat":-33.86,"lon":151.21}',
      source_id: 'gate-3',
    });

    expect((await timeline(platform(), 'given')).appearances).toEqual([
      expect.objectContaining({
        at: '2024-03-01T02:59:59.000Z',
        location: { lat: -33.86, lon: 151.21 },
        source_id: 'gate-3',
        similarity: null,
      }),
    ]);
  });

  it('When a person was seen often, then pages in both orders have each appearance once, within the requested time', async () => {
    const days = ['03', '01', '05', '02', '04'];
    for (const day of days) {
      const image = await drawPortrait({ person: 'boris', scene: `day ${day}` });
      await enrolled(image, { person_id: 'often', captured_at: `2024-05-${day}T12:00:00Z` });
    }
    const walk = async (query: string) => {
      const seen: string[][] = [];
      let token: string | null = null;
      do {
        const page = await timeline(
          platform(),
          'often',
          `?limit=2${query}${token === null ? '' : `&page_token=${token}`}`,
        );
        seen.push(page.appearances.map(({ at }: { at: string }) => at.slice(8, 10)));
        token = page.next_page_token;
        expect(page.has_more).toBe(token !== null);
      } while (token !== null);
      return seen;
    };

    expect(await walk('')).toEqual([['01', '02'], ['03', '04'], ['05']]);
    expect(await walk('&order=desc')).toEqual([['05', '04'], ['03', '02'], ['01']]);
    expect(await walk('&from=2024-05-02T12:00:00Z&to=2024-05-04T12:00:00Z')).toEqual([['02', '03']]);
  });

  it('When the request is wrong, then the response says what is wrong', async () => {
    const { call } = platform();
    await call('POST', '/api/v1/persons', { json: { person_id: 'unseen' } });
    const failure = async (path: string) => {
      const { status, json } = await call('GET', `/api/v1/persons/${path}`);
      return [status, json.error.code, json.error.details?.[0]?.field];
    };

    expect((await timeline(platform(), 'unseen')).appearances).toEqual([]);
    expect(await failure('nobody/timeline')).toEqual([404, 'PERSON_NOT_FOUND', undefined]);
    expect(await failure('unseen/timeline?from=yesterday')).toEqual([400, 'VALIDATION_FAILED', 'from']);
    expect(await failure('unseen/timeline?from=2024-01-02T00:00:00Z&to=2024-01-01T00:00:00Z')).toEqual([
      400,
      'VALIDATION_FAILED',
      'from',
    ]);
    expect(await failure('unseen/timeline?limit=0')).toEqual([400, 'VALIDATION_FAILED', 'limit']);
    expect(await failure('unseen/timeline?page_token=x')).toEqual([400, 'PAGE_TOKEN_INVALID', undefined]);
  });
});
