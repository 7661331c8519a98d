import { expect, it } from 'vitest';
import { defaultTenant } from '../../shared/ports/tenant.ts';
import { cronPipeline } from '../../shared/runtime/cron-pipeline.ts';
import { fakeClock } from '../../shared/testing/fake-clock.ts';
import { enrolPortrait, recognizePortrait } from '../../shared/testing/gallery.ts';
import { startPlatform } from '../../shared/testing/platform.ts';
import { drawPortrait } from '../../shared/testing/portraits/index.ts';
import { newEnrolment, newFace, newImage } from '../../shared/testing/record-factories.ts';
import reconcileGallery from '../reconcile-gallery/index.ts';
import { functions } from '../registry.gen.ts';
import expireData from './index.ts';

const day = 24 * 60 * 60 * 1000;

async function start(retention: object) {
  const clock = fakeClock();
  const platform = await startPlatform(functions, { clock });
  const setting = await platform.call('PUT', '/api/v1/tenants/default', { json: { retention } });
  expect(setting.json).toMatchObject({ success: true });
  // The test runs only this function: moving the fake clock would also run every other function that is due.
  const run = (definition: typeof expireData | typeof reconcileGallery, signal = new AbortController().signal) =>
    cronPipeline(definition, platform.ports, platform.context)(signal);
  let passed = 0;
  const later = { ...clock, now: () => clock.now() + passed };
  Object.assign(platform.context, { clock: later });
  return { ...platform, platform, run, pass: (milliseconds: number) => (passed += milliseconds) };
}

it('When the retention time of images is over, then the images are gone and their people are still recognised', async () => {
  const { platform, call, ports, run, pass } = await start({ images_days: 30 });
  const old = await enrolPortrait(platform, { person: 'amaro' });
  const { blobKey } = (await ports.records.getImage(defaultTenant, old.image_id))!;
  const before = await call('GET', `/api/v1/images/${old.image_id}`);

  pass(31 * day);
  expect(await run(expireData)).toBe(true);

  const after = await call('GET', `/api/v1/images/${old.image_id}`, {
    headers: { 'if-none-match': before.headers.get('etag')! },
  });
  expect([before.status, after.status, after.json.error.code]).toEqual([200, 410, 'IMAGE_EXPIRED']);
  expect((await call('GET', `/api/v1/images/${old.image_id}/download?variant=face`)).status).toBe(410);
  expect(await ports.images.get(defaultTenant, blobKey)).toBeNull();
  expect((await call('GET', `/api/v1/faces/${old.face_id}`)).status).toBe(200);
  expect((await recognizePortrait(platform, { person: 'amaro' })).best.decision).toBe('match');
  const [done, begun] = (
    await ports.audit.list(defaultTenant, { imageId: old.image_id, actor: 'system' }, { limit: 9 })
  ).items;
  expect(begun).toMatchObject({ action: 'expire-data', status: 102, subjects: { images: [old.image_id] } });
  expect(done).toMatchObject({ status: 200, details: { images: 1, bytes: before.bytes.length, images_days: 30 } });
});

it('When reconcile-gallery runs, then an expired image is not reported as lost, and its left-over file is deleted', async () => {
  const { platform, ports, run, pass } = await start({ images_days: 1 });
  const { face_id, image_id } = await enrolPortrait(platform, { person: 'amaro' });
  const { blobKey } = (await ports.records.getImage(defaultTenant, image_id))!;
  pass(2 * day);
  // The state after a crash: the image is marked as expired, but its file is still there.
  await ports.records.expireImage(defaultTenant, image_id);
  await ports.vectors.remove(defaultTenant, [face_id]);

  expect(await run(reconcileGallery)).toBe(true);

  expect(await ports.images.get(defaultTenant, blobKey)).toBeNull();
  expect(await ports.records.getFaces(defaultTenant, [face_id])).toHaveLength(1);
});

it('When the retention time of unknown faces is over, then they are deleted completely, and faces of people stay', async () => {
  const { platform, call, ports, run, pass } = await start({ unknown_faces_days: 7 });
  const known = await enrolPortrait(platform, { person: 'amaro' });
  const image = await drawPortrait({ person: 'dana' });
  const unknown = (await call('POST', '/api/v1/faces/enroll', { form: { image } })).json.data;
  pass(6 * day);
  await run(expireData);
  const kept = await call('GET', `/api/v1/faces/${unknown.face_id}`);

  pass(2 * day);
  await run(expireData);

  expect(kept.status).toBe(200);
  const gone = await Promise.all(
    [`faces/${unknown.face_id}`, `images/${unknown.image_id}`].map((each) => call('GET', `/api/v1/${each}`)),
  );
  expect(gone.map(({ status }) => status)).toEqual([404, 404]);
  expect((await call('GET', `/api/v1/images/${known.image_id}`)).status).toBe(200);
  const templates: string[] = [];
  for await (const id of ports.vectors.faceIds(defaultTenant)) templates.push(id);
  expect(templates).toEqual([known.face_id]);
});

it('When many images and faces are due and a run is stopped, then the next run does the rest', async () => {
  const { ports, run, pass, logs } = await start({ images_days: 1, unknown_faces_days: 1 });
  for (let i = 0; i < 130; i++) {
    await ports.records.saveEnrolment(defaultTenant, newEnrolment());
    await ports.records.saveEnrolment(defaultTenant, { person: null, image: newImage(), faces: [newFace()] });
  }
  pass(2 * day);
  const stop = new AbortController();
  const cut = run(expireData, stop.signal);
  while ((await ports.records.usage(defaultTenant)).bytes > 12_345 * 200) await new Promise(setImmediate);
  stop.abort(new Error('enough'));
  const complete = await cut;
  const halfway = await ports.records.usage(defaultTenant);

  expect(complete).toBe(false);
  expect(await run(expireData)).toBe(true);

  expect(halfway.bytes).toBeGreaterThan(0);
  expect(await ports.records.usage(defaultTenant)).toEqual({ persons: 130, faces: 130, bytes: 0 });
  const noted = (await ports.audit.list(defaultTenant, { action: 'expire-data' }, { limit: 100 })).items;
  const sum = (key: string) => noted.reduce((total, { details }) => total + Number(details[key] ?? 0), 0);
  expect(Math.max(...noted.map(({ subjects }) => subjects.images.length))).toBe(100);
  expect(sum('faces')).toBe(130);
  expect(logs).toContainEqual(expect.objectContaining({ msg: 'ran', function: 'expire-data', faces: 130 }));
});

it('When a tenant has no retention time, then nothing expires', async () => {
  const { platform, call, run, pass } = await start({});
  const one = await enrolPortrait(platform, { person: 'amaro' });
  pass(10_000 * day);

  await run(expireData);

  expect((await call('GET', `/api/v1/images/${one.image_id}`)).status).toBe(200);
});
