import { describe, expect, it } from 'vitest';
import { enrolPortrait, recognizePortrait } from '../../shared/testing/gallery.ts';
import { sharedPlatform } from '../../shared/testing/platform.ts';
import { drawGroup, drawPortrait } from '../../shared/testing/portraits/index.ts';
import { functions } from '../registry.gen.ts';

describe('DELETE persons/{person_id}', () => {
  const platform = sharedPlatform(functions);

  it('When a person is erased, then faces, vectors, images and answers are gone at once and it says how many', async () => {
    const { call } = platform();
    const one = await enrolPortrait(platform(), { person: 'amaro', scene: 'one' });
    await enrolPortrait(platform(), { person: 'amaro', scene: 'two', light: 'dim' });
    expect((await recognizePortrait(platform(), { person: 'amaro' })).best.decision).toBe('match');

    const answer = await call('DELETE', `/api/v1/persons/${one.person_id}`);

    expect(answer.json.data).toEqual({ person_id: one.person_id, erased: { faces: 2, vectors: 2, images: 2 } });
    expect((await recognizePortrait(platform(), { person: 'amaro' })).best.decision).toBe('unknown');
    const gone = await Promise.all(
      [`persons/${one.person_id}`, `faces/${one.face_id}`, `images/${one.image_id}`].map((each) =>
        call('GET', `/api/v1/${each}`),
      ),
    );
    expect(gone.map(({ status }) => status)).toEqual([404, 404, 404]);
    const search = await call('POST', '/api/v1/faces/search', {
      form: { min_similarity: '0', image: await drawPortrait({ person: 'amaro' }) },
    });
    expect(
      search.json.data.faces[0].matches.filter(({ person_id }: { person_id: string }) => person_id === one.person_id),
    ).toEqual([]);
  });

  it('When somebody else is on the same image, then the image stays', async () => {
    const { call } = platform();
    const image = await drawGroup([
      { person: 'dana', head: 240 },
      { person: 'emeka', head: 150 },
    ]);
    const form = { external_id: 'dana', 'processing_options.enable_multi_face': 'true', image };
    const { data } = (await call('POST', '/api/v1/faces/enroll', { form })).json;

    const answer = await call('DELETE', `/api/v1/persons/${data.person_id}`);

    expect(answer.json.data.erased).toEqual({ faces: 1, vectors: 1, images: 0 });
    expect((await call('GET', `/api/v1/images/${data.image_id}`)).status).toBe(200);
    const other = await call('DELETE', `/api/v1/faces/${data.faces[1].face_id}`);
    expect(other.json.data.erased).toEqual({ faces: 1, vectors: 1, images: 1 });
    expect((await call('GET', `/api/v1/images/${data.image_id}`)).status).toBe(404);
  });

  it('When a person is enrolled while being erased, then no template is left without a face', async () => {
    const { call, ports } = platform();
    const first = await enrolPortrait(platform(), { person: 'finn', scene: 0 });
    const images = await Promise.all([1, 2, 3, 4].map((scene) => drawPortrait({ person: 'finn', scene })));

    await Promise.all([
      ...images.map((image) => call('POST', '/api/v1/faces/enroll', { form: { external_id: 'finn', image } })),
      call('DELETE', `/api/v1/persons/${first.person_id}`),
    ]);

    const ids: string[] = [];
    for await (const id of ports.vectors.faceIds('default' as never)) ids.push(id);
    const faces = await ports.records.getFaces('default' as never, ids);
    expect(faces.map(({ faceId }) => faceId).sort()).toEqual(ids.sort());
  });

  it('When there is no such person, then 404', async () => {
    const answer = await platform().call('DELETE', '/api/v1/persons/nobody');

    expect([answer.status, answer.json.error.code]).toEqual([404, 'PERSON_NOT_FOUND']);
  });
});
