import { createHash } from 'node:crypto';
import { compactVerify, createLocalJWKSet } from 'jose';
import { describe, expect, it } from 'vitest';
import { defaultTenant } from '../../shared/ports/tenant.ts';
import { enrolPortrait, recognizePortrait } from '../../shared/testing/gallery.ts';
import { sharedPlatform } from '../../shared/testing/platform.ts';
import { drawGroup, drawPortrait } from '../../shared/testing/portraits/index.ts';
import { functions } from '../registry.gen.ts';

describe('DELETE persons/{person_id}', () => {
  const platform = sharedPlatform(functions);

  it('When a person is erased, then faces, vectors, images and cached results are gone at once, and the response counts them', async () => {
    const { call } = platform();
    const one = await enrolPortrait(platform(), { person: 'amaro', scene: 'one' });
    await enrolPortrait(platform(), { person: 'amaro', scene: 'two', light: 'dim' });
    expect((await recognizePortrait(platform(), { person: 'amaro' })).best.decision).toBe('match');

    const answer = await call('DELETE', `/api/v1/persons/${one.person_id}`);

    expect(answer.json.data).toMatchObject({ person_id: one.person_id, erased: { faces: 2, vectors: 2, images: 2 } });
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

  it('When another face is on the same image, then the image stays', async () => {
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

  it('When a person is enrolled and erased at the same time, then no template is left without a face', async () => {
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

  it('When a person is erased, then the receipt is signed, and the audit log has its digest and no name', async () => {
    const { call, ports } = platform();
    const one = await enrolPortrait(platform(), { person: 'greta' }, { name: 'Gita Secret-Name' });

    const answer = await call('DELETE', `/api/v1/persons/${one.person_id}`);

    const { receipt } = answer.json.data;
    const { signature, ...statement } = receipt;
    const keys = createLocalJWKSet((await call('GET', '/.well-known/jwks.json', { as: null })).json);
    const { payload } = await compactVerify(signature, keys);
    expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject(statement);
    expect(statement).toMatchObject({
      tenant: 'default',
      person_id: one.person_id,
      request_id: answer.headers.get('x-request-id'),
      removed: { persons: 1, faces: 1, templates: 1, images: 1, jobs: 0 },
      read_back: { records: true, templates: true, images: true, jobs: true, cached_answers: true },
    });
    const about = { personId: one.person_id };
    const [done, intent] = (await ports.audit.list(defaultTenant, about, { limit: 2 })).items;
    expect(intent).toMatchObject({ action: 'erase-person', status: 102, actor: statement.requested_by });
    expect(done).toMatchObject({
      action: 'erase-person',
      status: 200,
      subjects: { persons: [one.person_id], faces: [one.face_id], images: [one.image_id] },
      details: {
        receipt_id: receipt.receipt_id,
        receipt_digest: createHash('sha256').update(signature).digest('hex'),
        faces: 1,
      },
    });
    const log = (await ports.audit.list(defaultTenant, {}, { limit: 1000 })).items;
    expect(JSON.stringify(log)).not.toMatch(/Secret-Name|"greta"/);
  });

  it('When a receipt is changed, then its signature is invalid', async () => {
    const { call } = platform();
    await call('POST', '/api/v1/persons', { json: { person_id: 'heinz' } });
    const { receipt } = (await call('DELETE', '/api/v1/persons/heinz')).json.data;
    const [head, payload, mac] = receipt.signature.split('.');
    const forged = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('heinz', 'franz'));

    const keys = createLocalJWKSet((await call('GET', '/.well-known/jwks.json')).json);

    await expect(compactVerify(`${head}.${payload}.${mac}`, keys)).resolves.toBeDefined();
    await expect(compactVerify(`${head}.${forged.toString('base64url')}.${mac}`, keys)).rejects.toThrow();
  });

  it('When the person does not exist, then the response is 404', async () => {
    const answer = await platform().call('DELETE', '/api/v1/persons/nobody');

    expect([answer.status, answer.json.error.code]).toEqual([404, 'PERSON_NOT_FOUND']);
  });
});
