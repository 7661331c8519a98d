import { describe, expect, it } from 'vitest';
import { sharedPlatform } from '../../shared/testing/platform.ts';
import { newFace, newImage, newPerson } from '../../shared/testing/record-factories.ts';
import { functions } from '../registry.gen.ts';

const tenant = 'default' as never;
const withoutExtractor = functions.filter(({ manifest }) => !manifest.uses.includes('extractor'));

describe('persons/{id}/appearances', () => {
  const platform = sharedPlatform(withoutExtractor);

  /** Creates a person who was seen at these places, one per day from 2024-05-01 on. Resolves to the person id. */
  async function seenAt(places: readonly ([number, number] | null)[]): Promise<string> {
    const { records } = platform().ports;
    const person = newPerson();
    for (const [day, place] of places.entries()) {
      const face = newFace({
        personId: person.personId,
        capturedAt: Date.UTC(2024, 4, 1 + day),
        location: place && { lat: place[0], lon: place[1] },
      });
      await records.saveEnrolment(tenant, { person, image: newImage(), faces: [face] });
    }
    return person.personId;
  }
  const ask = async (personId: string, query = '') =>
    await platform().call('GET', `/api/v1/persons/${personId}/appearances${query}`);
  const days = ({ json }: Awaited<ReturnType<typeof ask>>) =>
    json.data.appearances.map(({ at }: { at: string }) => Number(at.slice(8, 10)));

  it('When a person was seen in several places, then the summary on every page has all places', async () => {
    const personId = await seenAt([[52.52, 13.405], [48.85, 2.35], [52.5201, 13.4051], null]);

    const { data } = (await ask(personId, '?limit=1')).json;

    expect(data.appearances).toHaveLength(1);
    expect(data.has_more).toBe(true);
    expect(data.summary).toEqual({
      count: 4,
      first: '2024-05-01T00:00:00.000Z',
      last: '2024-05-04T00:00:00.000Z',
      places: [
        {
          lat: 52.52005,
          lon: 13.40505,
          radius_m: expect.any(Number),
          count: 2,
          first: '2024-05-01T00:00:00.000Z',
          last: '2024-05-03T00:00:00.000Z',
        },
        {
          lat: 48.85,
          lon: 2.35,
          radius_m: expect.any(Number),
          count: 1,
          first: expect.any(String),
          last: expect.any(String),
        },
      ],
      places_total: 2,
    });
    expect(data.summary.places[0].radius_m).toBeLessThan(20);
    const rest = await ask(personId, `?limit=10&page_token=${data.next_page_token}`);
    expect(days(rest)).toEqual([2, 3, 4]);
    expect(rest.json.data.summary).toEqual(data.summary);
  });

  it('When a circle or a box is given, then only appearances in it match, also across the date line', async () => {
    const personId = await seenAt([[-17.7, 179.9], [-17.7, -179.9], [0, 0], null, [-17.7, 170]]);

    const circle = await ask(personId, '?lat=-17.7&lon=180&radius_m=50000');
    const box = await ask(personId, '?bbox=179,-20,-179,-10');
    const wide = await ask(personId, '?bbox=-180,-90,180,90&from=2024-05-02T00:00:00Z&to=2024-05-05T00:00:00Z');

    expect(days(circle)).toEqual([1, 2]);
    expect(days(box)).toEqual([1, 2]);
    expect(days(wide)).toEqual([2, 3]);
    expect(box.json.data.summary).toMatchObject({ count: 2, places_total: 2 });
    expect(wide.json.data.summary).toMatchObject({ count: 2, first: '2024-05-02T00:00:00.000Z' });
  });

  it('When nothing matches, then the summary is empty', async () => {
    const personId = await seenAt([null]);

    const { data } = (await ask(personId, '?bbox=0,0,1,1')).json;

    expect(data).toMatchObject({
      appearances: [],
      summary: { count: 0, first: null, last: null, places: [], places_total: 0 },
      next_page_token: null,
    });
  });

  it.each([
    ['?lat=1', 'lon'],
    ['?lat=1&lon=2', 'radius_m'],
    ['?lat=1&lon=2&radius_m=0', 'radius_m'],
    ['?lat=91&lon=2&radius_m=5', 'lat'],
    ['?lat=1&lon=2&radius_m=5&bbox=0,0,1,1', 'lat'],
    ['?bbox=0,0,1', 'bbox'],
    ['?bbox=0,0,1,x', 'bbox'],
    ['?bbox=0,5,1,1', 'bbox'],
    ['?bbox=0,0,181,1', 'bbox'],
    ['?bbox=', 'bbox'],
    ['?near=berlin', 'near'],
  ])('When the query is %s, then the response is 400 and names %s', async (query, field) => {
    const { status, json } = await ask('anybody', query);

    expect([status, json.error.code, json.error.details[0].field]).toEqual([400, 'VALIDATION_FAILED', field]);
  });

  it('When the person does not exist, then the response is 404', async () => {
    expect((await ask('nobody')).json.error.code).toBe('PERSON_NOT_FOUND');
  });
});
