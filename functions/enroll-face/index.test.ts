import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openersLeavingOut } from '../../shared/testing/crowd-extractor.ts';
import { fakeClock } from '../../shared/testing/fake-clock.ts';
import { enrolPortrait } from '../../shared/testing/gallery.ts';
import { sharedPlatform, startPlatform } from '../../shared/testing/platform.ts';
import type { CastName } from '../../shared/testing/portraits/cast.ts';
import { drawGroup, drawPortrait, drawScene } from '../../shared/testing/portraits/index.ts';
import { describeShared } from '../../shared/testing/shared-files.ts';
import { temporaryFolder } from '../../shared/testing/temporary-folder.ts';
import { addPack } from '../../shared/vision/weights/add.ts';
import { ensurePack } from '../../shared/vision/weights/ensure.ts';
import { readCatalogue } from '../../shared/vision/weights/packs.ts';
import { functions } from '../registry.gen.ts';

const tenant = 'default' as never;
const path = '/api/v1/faces/enroll';
const modelsDir = resolve('models');

describe('faces/enroll', () => {
  const platform = sharedPlatform(functions);

  it('When a portrait is enrolled for a new external id, then the person, face, image and template are stored', async () => {
    const { call, ports } = platform();
    const image = await drawPortrait({ person: 'amaro' });

    const answer = await call('POST', path, {
      json: {
        external_id: 'new-1',
        name: 'Amaro',
        metadata: { team: 'red' },
        captured_at: '2026-05-01T12:00:00+02:00',
        location: { lat: 52.5, lon: 13.4 },
        source_id: 'cam-1',
        image_data: Buffer.from(image).toString('base64'),
      },
    });

    expect(answer.status).toBe(201);
    const { data } = answer.json;
    expect(data).toMatchObject({ status: 'enrolled', rejected: [], model: { pack: 'builtin' } });
    expect(data.faces).toEqual([
      expect.objectContaining({ face_id: data.face_id, person_id: data.person_id, similarity: null }),
    ]);
    expect(data.faces[0].quality.score).toBeGreaterThan(0.5);
    const person = await call('GET', `/api/v1/persons/${data.person_id}`);
    expect(person.json.data).toMatchObject({
      external_id: 'new-1',
      name: 'Amaro',
      face_count: 1,
      metadata: { team: 'red' },
    });
    const face = await call('GET', `/api/v1/faces/${data.face_id}`);
    expect(face.json.data).toMatchObject({
      image_id: data.image_id,
      captured_at: '2026-05-01T10:00:00.000Z',
      location: { lat: 52.5, lon: 13.4 },
      source_id: 'cam-1',
    });
    const stored = await call('GET', `/api/v1/images/${data.image_id}`);
    expect(Buffer.compare(stored.bytes, image)).toBe(0);
    const pack = await ports.extractor.describe();
    expect(await ports.vectors.get(tenant, pack, [data.face_id])).toHaveLength(1);
  });

  it('When the same photo is enrolled again, then the ids are the same and nothing is stored twice', async () => {
    const { call } = platform();
    const form = { external_id: 'again-1', image: await drawPortrait({ person: 'boris' }) };

    const first = await call('POST', path, { form });
    const second = await call('POST', path, { form });

    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.json.data.face_id).toBe(first.json.data.face_id);
    const person = await call('GET', `/api/v1/persons/${first.json.data.person_id}`);
    expect(person.json.data.face_count).toBe(1);
  });

  it('When the same photo is enrolled for another person, then the response is 409 and no person is created', async () => {
    const { call } = platform();
    const image = await drawPortrait({ person: 'boris', scene: 'other' });
    await call('POST', path, { form: { external_id: 'owner', image } });

    const answer = await call('POST', path, { form: { external_id: 'thief', image } });

    expect([answer.status, answer.json.error.code]).toEqual([409, 'FACE_OF_OTHER_PERSON']);
    expect((await call('GET', '/api/v1/persons/by_external_id/thief')).status).toBe(404);
  });

  it('When the client chooses the person id, then the person has this id', async () => {
    const { call } = platform();

    const answer = await call('POST', path, {
      form: { person_id: 'employee_123', image: await drawPortrait({ person: 'amaro', scene: 'id' }) },
    });

    expect(answer.json.data.person_id).toBe('employee_123');
    expect((await call('GET', '/api/v1/persons/employee_123')).json.data.face_count).toBe(1);
  });

  it('When person_id and external_id belong to different persons, then the response is 409 and names the field', async () => {
    const { call } = platform();
    await call('POST', '/api/v1/persons', { json: { person_id: 'p-a', external_id: 'x-a' } });
    const image = await drawPortrait({ person: 'amaro', scene: 'conflict' });

    const answer = await call('POST', path, { form: { person_id: 'p-b', external_id: 'x-a', image } });

    expect([answer.status, answer.json.error.code]).toEqual([409, 'EXTERNAL_ID_TAKEN']);
    expect(answer.json.error.details[0].field).toBe('external_id');
  });

  it('When a name is sent without an id, then the response is 400 and says what is missing', async () => {
    const { call } = platform();

    const answer = await call('POST', path, { form: { name: 'Ada', image: await drawPortrait({ person: 'amaro' }) } });

    expect([answer.status, answer.json.error.details]).toEqual([
      400,
      [{ field: 'name', issue: 'needs person_id or external_id' }],
    ]);
  });

  it('When two requests enrol the same new external id at the same time, then there is one person with both faces', async () => {
    const { call } = platform();
    const images = await Promise.all(
      ['a', 'b'].map((scene) => drawPortrait({ person: 'boris', scene, light: scene === 'a' ? 'even' : 'dim' })),
    );

    const answers = await Promise.all(
      images.map((image) => call('POST', path, { form: { external_id: 'twice', image } })),
    );

    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(answers[0]!.json.data.person_id).toBe(answers[1]!.json.data.person_id);
    expect((await call('GET', '/api/v1/persons/by_external_id/twice')).json.data.face_count).toBe(2);
  });

  it('When two requests use the same new person_id with different external ids at the same time, then one gets 409', async () => {
    const { call } = platform();
    const images = await Promise.all([
      drawPortrait({ person: 'kira', scene: 'xa' }),
      drawPortrait({ person: 'laila', scene: 'xb' }),
    ]);

    const answers = await Promise.all(
      images.map((image, i) =>
        call('POST', path, { form: { person_id: 'contested', external_id: `contested-${i}`, image } }),
      ),
    );

    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect((await call('GET', '/api/v1/persons/contested')).json.data.face_count).toBe(1);
  });

  it('When the photo shows no face, then the response is 422 and nothing is stored', async () => {
    const { call, ports } = platform();

    const answer = await call('POST', path, { form: { external_id: 'nobody', image: await drawScene() } });

    expect([answer.status, answer.json.error.code]).toEqual([422, 'NO_FACE']);
    expect((await call('GET', '/api/v1/persons/by_external_id/nobody')).status).toBe(404);
    expect((await blobs(ports)).length).toBe((await ports.records.listImages(tenant, { limit: 1000 })).items.length);
  });

  it('When two faces have a similar size and a person is named, then the response is 422, because the face is ambiguous', async () => {
    const { call } = platform();
    const image = await drawGroup([{ person: 'amaro' }, { person: 'boris' }]);

    const answer = await call('POST', path, { form: { external_id: 'which', image } });

    expect([answer.status, answer.json.error.code]).toEqual([422, 'AMBIGUOUS_FACE']);
    expect(answer.json.error.details.faces).toHaveLength(2);
  });

  it('When a photo of several people is enrolled without a person, then the message says that one face was enrolled', async () => {
    const { call } = platform();
    const image = await drawGroup(
      [
        { person: 'amaro', head: 150 },
        { person: 'boris', head: 240 },
      ],
      { scene: 'left out' },
    );

    const answer = await call('POST', path, { form: { image } });

    expect(answer.json.data.faces).toHaveLength(1);
    expect(answer.json.message).toContain('Enrolled one face of 2');
  });

  it('When enable_multi_face is set, then every face is enrolled, and the other faces belong to no person', async () => {
    const { call } = platform();
    const image = await drawGroup(
      [
        { person: 'amaro', head: 150 },
        { person: 'boris', head: 240 },
      ],
      { scene: 'multi' },
    );

    const answer = await call('POST', path, {
      form: { external_id: 'multi', 'processing_options.enable_multi_face': 'true', image },
    });

    const { data } = answer.json;
    expect(data.faces).toHaveLength(2);
    expect(data.faces.map((face: { person_id: string | null }) => face.person_id)).toEqual([data.person_id, null]);
    expect(data.faces[0].box.width).toBeGreaterThan(data.faces[1].box.width);
  });

  it('When an image is rejected before or after the search for faces, then no file of it is left', async () => {
    const { call, ports } = platform();
    const before = await blobs(ports);
    const portrait = await drawPortrait({ person: 'amaro', scene: 'refused' });
    const refused = [portrait.subarray(0, portrait.length / 2), await drawScene(), portrait];

    const answers = [];
    for (const image of refused) {
      const form = { external_id: 'refused', 'processing_options.quality_threshold': '1', image };
      answers.push((await call('POST', path, { form })).json.error.code);
    }

    expect(answers).toEqual(['IMAGE_CORRUPT', 'NO_FACE', 'FACE_REJECTED']);
    expect(await blobs(ports)).toEqual(before);
  });

  it('When a face is below the quality threshold, then the response is 422 with the reasons, and no person is created', async () => {
    const { call } = platform();
    const image = await drawPortrait({ person: 'amaro', size: 48 });

    const answer = await call('POST', path, {
      form: { external_id: 'tiny', 'processing_options.quality_threshold': '0.95', image },
    });

    expect([answer.status, answer.json.error.code]).toEqual([422, 'FACE_REJECTED']);
    expect(answer.json.error.details.rejected[0].reasons.length).toBeGreaterThan(0);
    expect((await call('GET', '/api/v1/persons/by_external_id/tiny')).status).toBe(404);
  });

  it('When a good face is below the threshold of the client, then its weakest trait is the reason', async () => {
    const { call } = platform();
    const image = await drawPortrait({ person: 'amaro', scene: 'good' });
    const threshold = (value: string) => ({
      external_id: 'good',
      'processing_options.quality_threshold': value,
      image,
    });
    const { quality } = (await call('POST', path, { form: { ...threshold('0'), external_id: 'as-it-is' } })).json.data
      .faces[0];

    const answer = await call('POST', path, { form: threshold('1') });

    expect([quality.reasons, Object.keys(quality)]).toEqual([[], ['score', 'reasons']]);
    expect([answer.status, answer.json.error.code]).toEqual([422, 'FACE_REJECTED']);
    expect(answer.json.error.details.rejected[0].reasons).toHaveLength(1);
    expect(answer.json.message).toContain(answer.json.error.details.rejected[0].reasons[0]);
  });

  it('When a photo is nearly the same as a stored one, then the reason is NEAR_DUPLICATE, and an option rejects it', async () => {
    const { call } = platform();
    const first = await enrolPortrait(platform(), { person: 'boris', scene: 'dup' }, { external_id: 'dup' });
    const image = await drawPortrait({ person: 'boris', scene: 'dup', format: 'png' });

    const rejected = await call('POST', path, {
      form: { external_id: 'dup', 'processing_options.reject_near_duplicates': 'true', image },
    });
    const accepted = await call('POST', path, { form: { external_id: 'dup', image } });

    expect([rejected.status, rejected.json.error.details.rejected[0].reasons]).toEqual([
      422,
      expect.arrayContaining(['NEAR_DUPLICATE']),
    ]);
    expect(accepted.json.data.faces[0].quality.reasons).toContain('NEAR_DUPLICATE');
    expect(accepted.json.data.face_id).not.toBe(first.face_id);
  });

  it('When a strategy is not loaded, then the response is 422 and names the loaded ones', async () => {
    const { call } = platform();

    const answer = await call('POST', path, {
      form: { external_id: 's', strategy: 'high-accuracy', image: await drawPortrait({ person: 'amaro' }) },
    });

    expect([answer.status, answer.json.error.code]).toEqual([422, 'STRATEGY_UNAVAILABLE']);
    expect(answer.json.message).toContain('builtin');
  });
});

describe('faces/enroll with captured_at', () => {
  const platformWithFakeClock = sharedPlatform(functions, { clock: fakeClock() });

  it.each([
    ['2026-01-02T00:00:01Z', "must not be more than a day after the server's time, 2026-01-01T00:00:00.000Z"],
    ['9999-12-31T23:59:59Z', "must not be more than a day after the server's time, 2026-01-01T00:00:00.000Z"],
    ['1825-12-31T23:59:59Z', 'must not be before 1826, the year of the first photograph'],
  ])('When captured_at is %s, then the response is 400 and says what is wrong', async (captured_at, issue) => {
    const { call } = platformWithFakeClock();

    const answer = await call('POST', path, {
      form: { captured_at, image: await drawPortrait({ person: 'amaro' }) },
    });

    expect([answer.status, answer.json.error.details]).toEqual([400, [{ field: 'captured_at', issue }]]);
  });

  it('When captured_at is one day ahead, then it is accepted', async () => {
    const { call } = platformWithFakeClock();

    const answer = await call('POST', path, {
      form: { captured_at: '2026-01-02T00:00:00Z', image: await drawPortrait({ person: 'amaro' }) },
    });

    expect(answer.status).toBe(201);
  });
});

describe('faces/enroll with the time of a camera', () => {
  const platform = sharedPlatform(functions);
  const camera = async (person: 'amaro' | 'greta' | 'finn', exposure: Record<string, string>) =>
    await sharp(await drawPortrait({ person }))
      .withExif({ IFD2: { DateTimeOriginal: '2025:07:10 12:00:00', ...exposure } })
      .jpeg()
      .toBuffer();
  const zone = (time_zone: string | null) => platform().call('PUT', '/api/v1/tenants/default', { json: { time_zone } });

  it('When the photo, the tenant or nothing gives the zone, then the response has the time and says which', async () => {
    const { call } = platform();
    const enrol = async (image: Uint8Array) => {
      const { status, json } = await call('POST', path, { form: { image } });
      expect(status).toBe(201);
      const { captured_at, captured_at_zone, face_id } = json.data;
      const face = await call('GET', `/api/v1/faces/${face_id}`);
      expect(face.json.data.captured_at).toBe(captured_at);
      return [captured_at, captured_at_zone];
    };

    const assumed = await enrol(await camera('amaro', {}));
    await zone('Europe/Berlin');
    const ofTenant = await enrol(await camera('greta', {}));
    const offset = await enrol(await camera('finn', { OffsetTimeOriginal: '-07:00' }));
    await zone(null);

    expect(assumed).toEqual(['2025-07-10T12:00:00.000Z', 'assumed']);
    expect(ofTenant).toEqual(['2025-07-10T10:00:00.000Z', 'tenant']);
    expect(offset).toEqual(['2025-07-10T19:00:00.000Z', 'offset']);
  });

  it('When the photo is HEIC, then it is enrolled and can be downloaded and previewed', async () => {
    const { call } = platform();
    const image = await readFile('shared/vision/testing/heic/phone.heic');

    const { status, json } = await call('POST', path, { form: { image, external_id: 'heic' } });
    const original = await call('GET', `/api/v1/images/${json.data.image_id}`);
    const preview = await call('GET', `/api/v1/images/${json.data.image_id}?variant=preview`);

    expect([status, json.data.captured_at, json.data.captured_at_zone]).toEqual([
      201,
      '2023-06-07T06:09:10.000Z',
      'offset',
    ]);
    expect(original.headers.get('content-type')).toBe('image/heic');
    expect(Buffer.compare(original.bytes, image)).toBe(0);
    expect(preview.headers.get('content-type')).toBe('image/jpeg');
  });
});

describeShared('faces/enroll with two model packs', 'models', (files) => {
  it('When a photo is enrolled with both packs, then its face belongs to one person and counts once', async () => {
    const dataDir = temporaryFolder();
    mkdirSync(join(dataDir, 'models'));
    const other = 'retinaface-mobilefacenet';
    const { packs } = await readCatalogue({ modelsDir });
    await addPack(packs.find(({ name }) => name === other)!, { modelsDir, dataDir, from: files, link: true });
    await ensurePack('builtin', { modelsDir, dataDir });
    const { call } = await startPlatform(functions, {
      dataDir,
      settings: { FREEFACE_MODEL_PACK: `builtin,${other}` },
    });
    const image = await drawPortrait({ person: 'amaro' });
    await call('POST', path, { form: { external_id: 'owner', image } });

    const thief = await call('POST', path, { form: { external_id: 'thief', strategy: other, image } });
    const owner = await call('POST', path, { form: { external_id: 'owner', strategy: other, image } });

    expect([thief.status, thief.json.error.code]).toEqual([409, 'FACE_OF_OTHER_PERSON']);
    expect((await call('GET', '/api/v1/persons/by_external_id/thief')).status).toBe(404);
    expect([owner.status, owner.json.data.model.pack]).toEqual([201, other]);
    expect((await call('GET', '/api/v1/persons/by_external_id/owner')).json.data.face_count).toBe(1);
    expect((await call('DELETE', `/api/v1/persons/${owner.json.data.person_id}`)).json.data.erased).toEqual({
      faces: 2,
      vectors: 2,
      images: 1,
    });
  });
});

describe('faces/enroll with auto_associate', () => {
  it('When an unnamed face matches a person, then it joins this person, with its similarity; a stranger has no person', async () => {
    const platform = await startPlatform(functions);
    const amaro = await enrolPortrait(platform, { person: 'amaro' });

    const known = await platform.call('POST', path, {
      form: {
        'processing_options.auto_associate': 'true',
        image: await drawPortrait({ person: 'amaro', scene: 'later', light: 'lamp' }),
      },
    });
    const stranger = await platform.call('POST', path, {
      form: { 'processing_options.auto_associate': 'true', image: await drawPortrait({ person: 'boris' }) },
    });

    expect(known.json.data).toMatchObject({ person_id: amaro.person_id });
    expect(known.json.data.faces[0].similarity).toBeGreaterThan(0.6);
    expect(stranger.json.data).toMatchObject({ person_id: null });
  });

  it('When faces are enrolled, then events are published, in order and with ids only', async () => {
    const platform = await startPlatform(functions);
    const { face_id, person_id, image_id } = await enrolPortrait(platform, { person: 'amaro' });

    const events = await platform.events(2);

    expect(events.map(({ type }) => type)).toEqual(['freeface.person.created.v1', 'freeface.face.enrolled.v1']);
    expect(events[1]).toMatchObject({
      data: { face_id, person_id, image_id },
      tenant: 'default',
      partitionkey: `default/${person_id}`,
      traceparent: expect.stringMatching(/^00-/),
    });
  });
});

describe('a crowd', () => {
  const platform = sharedPlatform(functions, { openers: openersLeavingOut(185) });
  const group = (main: CastName) =>
    drawGroup([
      { person: main, head: 220 },
      { person: 'dana', head: 130 },
    ]);

  it('When a photo has more faces than the platform processes, then the result and the message say how many were left out', async () => {
    const { call } = platform();

    const { status, json } = await call('POST', path, {
      form: { image: await group('amaro'), 'processing_options.enable_multi_face': 'true' },
    });

    expect([status, json.data]).toMatchObject([201, { faces: { length: 2 }, limit_reached: true, left_out: 185 }]);
    expect(json.message).toBe(
      'Enrolled 2 faces of a crowd; 185 smaller faces were not processed. To enrol them, crop the photo into parts.',
    );
  });

  it('When only the main face is enrolled, then no limit was reached', async () => {
    const { json } = await platform().call('POST', path, {
      form: { image: await group('boris'), external_id: 'boris' },
    });

    expect(json.data).toMatchObject({ faces: { length: 1 }, limit_reached: false, left_out: 0 });
    expect(json.message).toContain('Enrolled one face of 2;');
  });

  it('When a crowd is detected, searched or recognised, then each response says that a limit was reached', async () => {
    const form = { image: await group('amaro') };

    const [detected, searched, recognised, again] = [
      await platform().call('POST', '/api/v1/faces/detect', { form }),
      await platform().call('POST', '/api/v1/faces/search', { form }),
      await platform().call('POST', '/api/v1/faces/recognize', { form }),
      await platform().call('POST', '/api/v1/faces/recognize', { form }),
    ];

    expect(detected.json.data).toMatchObject({ faces: { length: 2 }, limit_reached: true, left_out: 185 });
    expect([searched, recognised, again].map(({ json }) => json.data.limit_reached)).toEqual([true, true, true]);
  });
});

async function blobs(ports: ReturnType<ReturnType<typeof sharedPlatform>>['ports']): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of ports.images.keys(tenant)) keys.push(key);
  return keys;
}
