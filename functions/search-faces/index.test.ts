import { describe, expect, it } from 'vitest';
import { enrolPortrait } from '../../shared/testing/gallery.ts';
import { sharedPlatform } from '../../shared/testing/platform.ts';
import type { CastName } from '../../shared/testing/portraits/cast.ts';
import { drawGroup, drawPortrait } from '../../shared/testing/portraits/index.ts';
import { functions } from '../registry.gen.ts';

const path = '/api/v1/faces/search';

describe('faces/search', () => {
  const platform = sharedPlatform(functions);
  const probe = (person: CastName) => drawPortrait({ person, scene: 'probe', light: 'left' });

  it('When a photo is searched, then the faces come back with their persons, the most similar first', async () => {
    const { call } = platform();
    const dana = await enrolPortrait(platform(), { person: 'dana' }, { name: 'Dana' });
    await enrolPortrait(platform(), { person: 'emeka' });

    const { json } = await call('POST', path, {
      form: { min_similarity: '0', limit: '5', image: await probe('dana') },
    });

    const [face] = json.data.faces;
    expect(face.matches[0]).toMatchObject({
      face_id: dana.face_id,
      person_id: dana.person_id,
      external_id: 'dana',
      name: 'Dana',
      image_id: dana.image_id,
    });
    const similarities = face.matches.map(({ similarity }: { similarity: number }) => similarity);
    expect(similarities).toEqual(similarities.toSorted((a: number, b: number) => b - a));
    expect(similarities[0]).toBeGreaterThan(0.6);
  });

  it('When no face is similar enough, then there are no matches', async () => {
    const { call } = platform();
    await enrolPortrait(platform(), { person: 'finn' });

    const { json } = await call('POST', path, { form: { min_similarity: '0.95', image: await probe('greta') } });

    expect(json.data.faces[0].matches).toEqual([]);
  });

  it('When the probe is an enrolled face or person, then it does not find itself', async () => {
    const { call } = platform();
    const one = await enrolPortrait(platform(), { person: 'hana', scene: 'one' }, { external_id: 'hana-1' });
    const two = await enrolPortrait(
      platform(),
      { person: 'hana', scene: 'two', light: 'dim' },
      { external_id: 'hana-2' },
    );

    const byFace = await call('POST', path, { json: { face_id: one.face_id, limit: 1 } });
    const byPerson = await call('POST', path, { json: { person_id: two.person_id, limit: 1 } });

    expect(byFace.json.data.faces[0].matches[0].face_id).toBe(two.face_id);
    expect(byPerson.json.data.faces).toEqual([
      { box: null, matches: [expect.objectContaining({ face_id: one.face_id })] },
    ]);
  });

  it('When filters are given, then only faces that match all filters are found', async () => {
    const { call } = platform();
    const berlin = { captured_at: '2026-05-01T12:00:00Z', location: '{"lat":52.52,"lon":13.405}' };
    const paris = { captured_at: '2026-06-01T12:00:00Z', location: '{"lat":48.857,"lon":2.352}' };
    const a = await enrolPortrait(platform(), { person: 'isaac', scene: 'a' }, { external_id: 'isaac-a', ...berlin });
    const b = await enrolPortrait(
      platform(),
      { person: 'isaac', scene: 'b', light: 'shade' },
      { external_id: 'isaac-b', ...paris },
    );
    const image = await probe('isaac');
    const found = async (fields: Record<string, string>) => {
      const { json } = await call('POST', path, { form: { min_similarity: '0', limit: '50', ...fields, image } });
      return json.data.faces[0].matches.map(({ face_id }: { face_id: string }) => face_id);
    };

    expect(await found({ person_ids: b.person_id })).toEqual([b.face_id]);
    expect(await found({ external_ids: 'isaac-a,isaac-none' })).toEqual([a.face_id]);
    expect(await found({ external_ids: 'isaac-none' })).toEqual([]);
    expect(await found({ captured_between: '{"from":"2026-05-15T00:00:00Z","to":"2026-07-01T00:00:00Z"}' })).toEqual([
      b.face_id,
    ]);
    expect(await found({ 'near.lat': '52.5', 'near.lon': '13.4', 'near.radius_m': '20000' })).toEqual([a.face_id]);
    expect(
      await found({ person_ids: b.person_id, 'near.lat': '52.5', 'near.lon': '13.4', 'near.radius_m': '20000' }),
    ).toEqual([]);
  });

  it('When a photo shows several people, then each face has its own matches', async () => {
    const { call } = platform();
    const jonas = await enrolPortrait(platform(), { person: 'jonas' });
    const kira = await enrolPortrait(platform(), { person: 'kira' });
    const image = await drawGroup(
      [
        { person: 'jonas', head: 230 },
        { person: 'kira', head: 170 },
      ],
      { scene: 'both' },
    );

    const { json } = await call('POST', path, { form: { min_similarity: '0', limit: '1', image } });

    expect(json.data.faces.map(({ matches }: { matches: { face_id: string }[] }) => matches[0]?.face_id)).toEqual([
      jonas.face_id,
      kira.face_id,
    ]);
  });

  it('When there is no probe, more than one or an unknown one, then the response is 400 or 404', async () => {
    const { call } = platform();
    const nobody = '00000000-0000-4000-8000-000000000000';

    const none = await call('POST', path, { json: {} });
    const both = await call('POST', path, { json: { face_id: nobody, person_id: 'x' } });
    const face = await call('POST', path, { json: { face_id: nobody } });
    const person = await call('POST', path, { json: { person_id: 'nobody' } });

    expect([none.status, none.json.error.code]).toEqual([400, 'IMAGE_MISSING']);
    expect([both.status, both.json.error.details[0].field]).toEqual([400, 'person_id']);
    expect([face.status, face.json.error.code]).toEqual([404, 'FACE_NOT_FOUND']);
    expect([person.status, person.json.error.code]).toEqual([404, 'PERSON_NOT_FOUND']);
  });
});
