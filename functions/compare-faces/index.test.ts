import { describe, expect, it } from 'vitest';
import { defaultTenant } from '../../shared/ports/tenant.ts';
import { enrolPortrait } from '../../shared/testing/gallery.ts';
import { sharedPlatform, startPlatform } from '../../shared/testing/platform.ts';
import type { CastName } from '../../shared/testing/portraits/cast.ts';
import { drawGroup, drawPortrait, drawScene } from '../../shared/testing/portraits/index.ts';
import { vectorNear } from '../../shared/testing/vector-factories.ts';
import { functions } from '../registry.gen.ts';

const path = '/api/v1/faces/compare';
const unknown = '00000000-0000-5000-8000-000000000000';

describe('faces/compare', () => {
  const platform = sharedPlatform(functions);
  const compare = (form: Readonly<Record<string, string | Uint8Array>>) => platform().call('POST', path, { form });
  const probe = (person: CastName) => drawPortrait({ person, scene: 'probe', background: 'garden' });

  it('When two photos show the same person, then it is a match; when they show two people, it is none', async () => {
    const image = await probe('amaro');

    const same = await compare({ image, other_image: await drawPortrait({ person: 'amaro', light: 'lamp' }) });
    const different = await compare({ image, other_image: await drawPortrait({ person: 'boris' }) });

    expect([same.status, same.json.data]).toMatchObject([
      200,
      { decision: 'match', threshold: 0.5, other: { face_id: null, person_id: null, image_id: null } },
    ]);
    expect(same.json.data.similarity).toBeGreaterThan(0.5);
    expect(different.json.data).toMatchObject({ decision: 'no_match', threshold: 0.5 });
    expect(different.json.data.similarity).toBeLessThan(0.5);
  });

  it('When the photos have other sizes, then each box is in the pixels of its own photo', async () => {
    const { call } = platform();
    const [image, other_image] = await Promise.all([
      drawPortrait({ person: 'dana', size: 300 }),
      drawPortrait({ person: 'dana', size: 600 }),
    ]);

    const { json } = await compare({ image, other_image });

    for (const [photo, { box }] of [
      [image, json.data.image],
      [other_image, json.data.other],
    ]) {
      const detected = await call('POST', '/api/v1/faces/detect', { form: { image: photo } });
      expect(box).toEqual(detected.json.data.faces[0].box);
    }
  });

  it('When the photos come as a form, as base64 in JSON or as both, then the results are equal', async () => {
    const [image, other] = await Promise.all([probe('amaro'), drawPortrait({ person: 'amaro' })]);
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

    const form = await compare({ image, other_image: other });
    const json = await platform().call('POST', path, {
      json: { image_data: base64(image), other_image_data: `data:image/jpeg;base64,${base64(other)}` },
    });
    const both = await compare({ image, other_image_data: base64(other) });

    expect([json.json.data, both.json.data]).toEqual([form.json.data, form.json.data]);
  });

  it('When the photo is compared with an enrolled face, as a form or as raw bytes, then the response names the face', async () => {
    const enrolled = await enrolPortrait(platform(), { person: 'dana' });
    const { face_id, person_id, image_id } = enrolled;
    const [image, stranger] = await Promise.all([probe('dana'), probe('kira')]);

    const form = await compare({ image, face_id });
    const raw = await platform().call('POST', `${path}?face_id=${face_id}`, {
      body: image,
      headers: { 'content-type': 'image/jpeg' },
    });
    const other = await compare({ image: stranger, face_id });

    expect(form.json.data).toMatchObject({
      decision: 'match',
      other: { face_id, person_id, image_id, box: enrolled.faces[0].box },
    });
    expect(raw.json.data).toEqual(form.json.data);
    expect(other.json.data).toMatchObject({ decision: 'no_match', other: { face_id } });
  });

  it('When the photo is compared with a person, then the most similar face counts, and the threshold rises with their number', async () => {
    const faces = [];
    for (const light of ['even', 'lamp', 'left'] as const)
      faces.push(await enrolPortrait(platform(), { person: 'hana', light, scene: light }));
    const { person_id } = faces[0];
    const image = await probe('hana');

    const { json } = await compare({ image, person_id });
    const alone = await Promise.all(faces.map(({ face_id }) => compare({ image, face_id })));
    const stranger = await compare({ image: await probe('kira'), person_id });

    const similarities = alone.map((each) => each.json.data.similarity);
    const best = similarities.indexOf(Math.max(...similarities));
    expect(json.data).toMatchObject({
      decision: 'match',
      similarity: similarities[best],
      threshold: 0.548,
      other: { face_id: faces[best].face_id, person_id },
    });
    expect(stranger.json.data.decision).toBe('no_match');
  });

  it('When a similarity is between the thresholds of both rates, then the stricter rate decides against a match', async () => {
    const { ports } = platform();
    const { face_id } = await enrolPortrait(platform(), { person: 'finn' });
    const image = await probe('finn');
    const pack = await ports.extractor.describe();
    const [face] = (await ports.extractor.extract(image)).faces;
    const [entry] = await ports.vectors.get(defaultTenant, pack, [face_id]);
    // 0.936 is between the cosines of the similarities 0.5 and 0.6.
    await ports.vectors.upsert(defaultTenant, pack, [{ ...entry!, embedding: vectorNear(face!.embedding!, 0.936) }]);

    const [usual, strict] = await Promise.all([
      compare({ image, face_id, fmr: '0.001' }),
      compare({ image, face_id, fmr: '0.0001' }),
    ]);

    expect(usual.json.data).toMatchObject({ decision: 'match', threshold: 0.5 });
    expect(strict.json.data).toMatchObject({ decision: 'no_match', threshold: 0.6 });
    expect(strict.json.data.similarity).toBe(usual.json.data.similarity);
  });

  it('When a photo shows no face, is damaged or is empty, then the error names that photo', async () => {
    const [image, scene] = await Promise.all([probe('amaro'), drawScene()]);

    const answers = await Promise.all([
      compare({ image: scene, other_image: image }),
      compare({ image, other_image: scene }),
      compare({ image, other_image: image.slice(0, image.length / 3) }),
      compare({ image: Buffer.from('no photo'), other_image: image }),
      compare({ image, other_image: new Uint8Array() }),
      platform().call('POST', path, { json: { image_data: '', other_image_data: '*' } }),
    ]);

    expect(answers.map(({ json: { error } }) => [error.code, error.details[0].field])).toEqual([
      ['NO_FACE', 'image'],
      ['NO_FACE', 'other_image'],
      ['IMAGE_CORRUPT', 'other_image'],
      ['UNSUPPORTED_IMAGE', 'image'],
      ['EMPTY_IMAGE', 'other_image'],
      ['VALIDATION_FAILED', 'other_image_data'],
    ]);
  });

  it('When a photo shows several people, then the main face counts; if two faces are of similar size, the error names the photo and the faces', async () => {
    const image = await probe('amaro');
    const [group, pair] = await Promise.all([
      drawGroup([
        { person: 'boris', head: 120 },
        { person: 'amaro', head: 220 },
      ]),
      drawGroup([{ person: 'boris' }, { person: 'amaro' }]),
    ]);

    const main = await compare({ image, other_image: group });
    const ambiguous = await compare({ image, other_image: pair });

    expect(main.json.data.decision).toBe('match');
    expect([ambiguous.status, ambiguous.json.error]).toMatchObject([
      422,
      { code: 'AMBIGUOUS_FACE', details: { field: 'other_image', faces: { length: 2 } } },
    ]);
  });

  it('When there is nothing or too much to compare with, or the face or person is not enrolled, then the request is refused', async () => {
    const image = await probe('amaro');
    const { person_id: empty } = (await platform().call('POST', '/api/v1/persons', { json: {} })).json.data;

    const answers = await Promise.all([
      compare({ image }),
      compare({ other_image: image }),
      compare({ image, other_image: image, person_id: 'ada' }),
      compare({ image, face_id: unknown, person_id: 'ada' }),
      compare({ image, face_id: unknown }),
      compare({ image, person_id: 'nobody' }),
      compare({ image, person_id: empty }),
      compare({ image, other_image: image, fmr: '0.01' }),
      compare({ image, third_image: image }),
      platform().call('POST', '/api/v1/faces/detect', { form: { image, other_image: image } }),
    ]);

    expect(answers.map(({ json: { error } }) => [error.code, error.details[0].field])).toEqual([
      ['IMAGE_MISSING', 'other_image_data'],
      ['IMAGE_MISSING', 'image_data'],
      ['VALIDATION_FAILED', 'person_id'],
      ['VALIDATION_FAILED', 'person_id'],
      ['FACE_NOT_FOUND', 'face_id'],
      ['PERSON_NOT_FOUND', 'person_id'],
      ['FACE_NOT_FOUND', 'person_id'],
      ['VALIDATION_FAILED', 'fmr'],
      ['VALIDATION_FAILED', 'third_image'],
      ['VALIDATION_FAILED', 'other_image'],
    ]);
  });

  it('When two photos are larger together than one photo may be, then they are compared; a photo that is too large is named', async () => {
    const settings = { FREEFACE_MAX_IMAGE_BYTES: '60000' };
    const { call } = await startPlatform(functions, { settings });
    const [image, large] = await Promise.all([
      drawPortrait({ person: 'amaro', size: 400 }),
      drawPortrait({ person: 'amaro', size: 400, format: 'png' }),
    ]);
    const padded = Buffer.concat([image, Buffer.alloc(59_000 - image.length)]);

    const fits = await call('POST', path, { form: { image: padded, other_image: padded } });
    const refused = await call('POST', path, { form: { image, other_image: large } });

    expect(large.length).toBeGreaterThan(60_000);
    expect([fits.status, fits.json.data?.similarity]).toEqual([200, 1]);
    expect(refused.json.error).toMatchObject({ code: 'IMAGE_TOO_LARGE', details: { field: 'other_image' } });
  });

  it('When faces are compared, then nothing is stored, and the audit log has the call with face and person', async () => {
    const { call, ports } = platform();
    const { face_id, person_id } = await enrolPortrait(platform(), { person: 'emeka' });
    const before = await ports.records.usage(defaultTenant);

    const { json } = await compare({ image: await probe('emeka'), face_id });

    expect(await ports.records.usage(defaultTenant)).toEqual(before);
    expect(JSON.stringify(json)).not.toMatch(/embedding|template/);
    const audit = await call('GET', `/api/v1/audit?action=compare-faces&person_id=${person_id}`);
    expect(audit.json.data.entries[0]).toMatchObject({
      action: 'compare-faces',
      status: 200,
      subjects: { face_ids: [face_id], person_ids: [person_id] },
    });
  });

  it('When the face and the person belong to another tenant, then they are not found', async () => {
    const { face_id, person_id } = await enrolPortrait(platform(), { person: 'greta' });
    const created = await platform().call('POST', '/api/v1/tenants', { json: { tenant: 'other', name: 'Other' } });
    const as = created.json.data.api_key.key;
    const image = await probe('greta');

    const answers = await Promise.all(
      [{ face_id }, { person_id }].map((fields) => platform().call('POST', path, { as, form: { image, ...fields } })),
    );

    expect(answers.map(({ status, json }) => [status, json.error.code])).toEqual([
      [404, 'FACE_NOT_FOUND'],
      [404, 'PERSON_NOT_FOUND'],
    ]);
  });
});

it('When the tenant requires consent, then a person without a valid consent is not compared', async () => {
  const platform = await startPlatform(functions);
  const { face_id, person_id } = await enrolPortrait(platform, { person: 'amaro' });
  await platform.call('PUT', '/api/v1/tenants/default', { json: { consent_required: true } });
  const image = await drawPortrait({ person: 'amaro', scene: 'probe' });
  const statuses = () =>
    Promise.all(
      [{ face_id }, { person_id }].map(async (fields) => {
        const { status, json } = await platform.call('POST', path, { form: { image, ...fields } });
        return [status, json.error?.code];
      }),
    );

  const without = await statuses();
  const consent = { basis: 'contract', given_at: '2020-01-01T00:00:00Z' };
  await platform.call('PUT', `/api/v1/persons/${person_id}`, { json: { consent } });

  expect(without).toEqual([
    [403, 'CONSENT_REQUIRED'],
    [403, 'CONSENT_REQUIRED'],
  ]);
  expect(await statuses()).toEqual([
    [200, undefined],
    [200, undefined],
  ]);
});
