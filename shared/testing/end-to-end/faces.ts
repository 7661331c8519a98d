import { expect, it } from 'vitest';
import { drawGroup, drawPortrait } from '../portraits/index.ts';
import { type Api, unknownId } from './api.ts';

/** Lisbon, and Sintra about 25 km away. */
const [lisbon, sintra] = [
  { lat: 38.7223, lon: -9.1393 },
  { lat: 38.8029, lon: -9.4 },
];

export function faceCases(api: () => Api): void {
  const enrol = async (person: Parameters<typeof drawPortrait>[0], fields: Readonly<Record<string, string>>) =>
    (await api().call('POST', '/api/v1/faces/enroll', { form: { ...fields, image: await drawPortrait(person) } })).json
      .data;
  const matchesOf = async (options: object) =>
    (await api().call('POST', '/api/v1/faces/search', options)).json.data.faces[0].matches;

  it('When a photo is sent to detect as a form, as bytes and as base64, then the results are equal', async () => {
    const { call } = api();
    const image = await drawGroup([{ person: 'finn' }, { person: 'greta' }], { size: { width: 800, height: 500 } });
    const detect = '/api/v1/faces/detect';

    const [form, raw, json] = [
      await call('POST', detect, { form: { image } }),
      await call('POST', detect, { body: image, headers: { 'content-type': 'image/jpeg' } }),
      await call('POST', detect, { json: { image_data: Buffer.from(image).toString('base64') } }),
    ];

    expect(form.json.data).toMatchObject({ image: { width: 800, height: 500 }, faces: { length: 2 } });
    expect([raw.json.data, json.json.data]).toEqual([form.json.data, form.json.data]);
    const { box, landmarks, quality } = form.json.data.faces[0];
    expect(landmarks.left_eye.x).toBeGreaterThan(box.left);
    expect(landmarks.right_eye.x).toBeLessThan(box.left + box.width);
    expect(quality.score).toBeGreaterThan(0);
  });

  it('When a person is enrolled, then another photo finds and recognises them, a stranger does not match, and an erased person is not found', async () => {
    const { call } = api();
    const probe = { form: { image: await drawPortrait({ person: 'amaro', scene: 'another' }) } };
    const stranger = { form: { image: await drawPortrait({ person: 'boris' }) } };
    const photo = await drawPortrait({ person: 'amaro' });
    const form = { image: photo, external_id: 'amaro', name: 'Amaro' };

    const enrolled = await call('POST', '/api/v1/faces/enroll', { form });
    const again = await call('POST', '/api/v1/faces/enroll', { form });
    const { face_id, person_id, image_id } = enrolled.json.data;
    const face = await call('GET', `/api/v1/faces/${face_id}`);
    const person = await call('GET', `/api/v1/persons/${person_id}`);
    const searched = await matchesOf(probe);
    const filtered = await matchesOf({ form: { ...probe.form, person_ids: JSON.stringify([unknownId]) } });
    const recognised = await call('POST', '/api/v1/faces/recognize', probe);
    const unknown = await call('POST', '/api/v1/faces/recognize', stranger);
    const compared = await call('POST', '/api/v1/faces/compare', { form: { ...probe.form, person_id } });
    const photos = await call('POST', '/api/v1/faces/compare', {
      form: { image: stranger.form.image, other_image: photo },
    });
    const shown = await call('GET', `/api/v1/images/${image_id}`);
    const erased = await call('DELETE', `/api/v1/persons/${person_id}`);
    const [searchedAfter, recognisedAfter] = [
      await matchesOf(probe),
      await call('POST', '/api/v1/faces/recognize', probe),
    ];

    expect([enrolled.status, again.status]).toEqual([201, 200]);
    expect(again.json.data).toMatchObject({ face_id, person_id, image_id });
    expect(face.json.data).toMatchObject({ face_id, person_id, image_id });
    expect(person.json.data).toMatchObject({ external_id: 'amaro', name: 'Amaro', face_count: 1 });
    expect(searched).toMatchObject([{ face_id, person_id, external_id: 'amaro', image_id }]);
    expect(searched[0].similarity).toBeGreaterThan(0.5);
    expect(filtered).toEqual([]);
    expect(recognised.json.data.best).toMatchObject({ decision: 'match', person: { person_id, external_id: 'amaro' } });
    expect(recognised.json.data.expected_miss_rate).toBeGreaterThan(0);
    expect(unknown.json.data.best.decision).not.toBe('match');
    expect(compared.json.data).toMatchObject({ decision: 'match', other: { face_id, person_id, image_id } });
    expect(photos.json.data).toMatchObject({ decision: 'no_match', other: { face_id: null } });
    expect(Buffer.compare(shown.bytes, photo)).toBe(0);
    expect(erased.json.data).toMatchObject({
      erased: { faces: 1, vectors: 1, images: 1 },
      receipt: { read_back: { records: true, templates: true, images: true } },
    });
    expect(searchedAfter).toEqual([]);
    expect(recognisedAfter.json.data).toMatchObject({ cached: false });
    expect(recognisedAfter.json.data.best.decision).not.toBe('match');
    for (const path of [`faces/${face_id}`, `images/${image_id}`])
      expect([path, (await call('GET', `/api/v1/${path}`)).status]).toEqual([path, 404]);
    expect((await call('GET', `/api/v1/persons/${person_id}`)).json.error.code).toBe('PERSON_ERASED');
  });

  it('When a person is seen several times, then timeline and map show when and where, and a search accepts a face or a person as probe', async () => {
    const { call } = api();
    const seen = [
      { captured_at: '2024-05-01T10:00:00Z', location: JSON.stringify(lisbon), source_id: 'gate' },
      { captured_at: '2024-05-02T10:00:00Z', location: JSON.stringify(lisbon) },
      { captured_at: '2024-05-03T10:00:00Z', location: JSON.stringify(sintra) },
    ];
    const faces = [];
    for (const [i, fields] of seen.entries())
      faces.push(await enrol({ person: 'chidi', scene: `${i}` }, { external_id: 'chidi', ...fields }));
    const { person_id } = faces[0];
    const ids = faces.map(({ face_id }) => face_id);
    const path = `/api/v1/persons/${person_id}`;
    const facesOf = async (query: string) =>
      (await call('GET', `${path}/${query}`)).json.data.appearances.map(({ face_id }: { face_id: string }) => face_id);

    const timeline = (await call('GET', `${path}/timeline`)).json.data.appearances;
    const circle = `appearances?lat=${lisbon.lat}&lon=${lisbon.lon}&radius_m=5000`;
    const { summary } = (await call('GET', `${path}/appearances`)).json.data;
    const byFace = await matchesOf({ json: { face_id: ids[0] } });
    const byPerson = await matchesOf({ json: { person_id, min_similarity: 0 } });

    expect(timeline[0]).toMatchObject({ face_id: ids[0], at: '2024-05-01T10:00:00.000Z', source_id: 'gate' });
    expect(timeline[0].location).toMatchObject(lisbon);
    expect(await facesOf('timeline')).toEqual(ids);
    expect(await facesOf('timeline?order=desc&limit=2')).toEqual([ids[2], ids[1]]);
    expect(await facesOf('timeline?from=2024-05-02T00:00:00Z&to=2024-05-03T00:00:00Z')).toEqual([ids[1]]);
    expect(await facesOf(circle)).toEqual([ids[0], ids[1]]);
    expect(await facesOf('appearances?bbox=-9.5,38.7,-9.3,38.9')).toEqual([ids[2]]);
    expect(summary).toMatchObject({ count: 3, first: '2024-05-01T10:00:00.000Z', last: '2024-05-03T10:00:00.000Z' });
    expect(summary.places.map(({ count }: { count: number }) => count)).toEqual([2, 1]);
    expect(byFace.map(({ face_id }: { face_id: string }) => face_id).sort()).toEqual(ids.slice(1).sort());
    expect(byPerson.filter((match: { person_id: string }) => match.person_id === person_id)).toEqual([]);
    expect((await call('POST', '/api/v1/faces/search', { json: { face_id: unknownId } })).status).toBe(404);
  });

  it('When an image is requested whole, in part, as a variant or again, then the response has the right bytes', async () => {
    const { call } = api();
    const photo = await drawPortrait({ person: 'dana' });
    const { image_id, face_id } = (await call('POST', '/api/v1/faces/enroll', { form: { image: photo } })).json.data;
    const path = `/api/v1/images/${image_id}`;

    const whole = await call('GET', path);
    const part = await call('GET', path, { headers: { range: 'bytes=10-19' } });
    const beyond = await call('GET', path, { headers: { range: `bytes=${photo.length}-` } });
    const known = await call('GET', path, { headers: { 'if-none-match': whole.headers.get('etag')! } });
    const preview = await call('GET', `${path}?variant=preview`);
    const cut = await call('GET', `${path}?variant=face&face_id=${face_id}`);
    const download = await call('GET', `${path}/download`);
    const link = download.headers.get('location');
    const downloaded = link === null ? download.bytes : new Uint8Array(await (await fetch(link)).arrayBuffer());
    const erased = await call('DELETE', `/api/v1/faces/${face_id}`);

    expect(Buffer.compare(whole.bytes, photo)).toBe(0);
    expect([part.status, Buffer.compare(part.bytes, photo.subarray(10, 20))]).toEqual([206, 0]);
    expect([beyond.status, known.status]).toEqual([416, 304]);
    for (const { status, headers, bytes } of [preview, cut])
      expect([status, headers.get('content-type'), bytes.length > 1000]).toEqual([200, 'image/jpeg', true]);
    expect([200, 302]).toContain(download.status);
    expect(Buffer.compare(downloaded, photo)).toBe(0);
    expect(erased.json.data.erased).toEqual({ faces: 1, vectors: 1, images: 1 });
    expect((await call('GET', path)).status).toBe(404);
    expect((await call('DELETE', `/api/v1/faces/${face_id}`)).json.error.code).toBe('FACE_NOT_FOUND');
  });
}
