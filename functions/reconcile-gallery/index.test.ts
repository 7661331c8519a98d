import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { fakeClock } from '../../shared/testing/fake-clock.ts';
import { enrolPortrait, recognizePortrait } from '../../shared/testing/gallery.ts';
import { folderWithWeights, startPlatform } from '../../shared/testing/platform.ts';
import { functions } from '../registry.gen.ts';

const tenant = 'default' as never;
const minute = 60 * 1000;
const hour = 60 * minute;

describe('reconcile-gallery', () => {
  it('When a template is lost, then it is recreated from the image', async () => {
    const { platform, clock } = await startReconciled();
    const { face_id } = await enrolPortrait(platform, { person: 'amaro' });
    await platform.ports.vectors.remove(tenant, [face_id]);

    await clock.advance(hour);
    const summary = await ran(platform, 2);

    expect(summary).toMatchObject({ rebuilt: 1, lost: 0, strayVectors: 0, strayImages: 0 });
    expect((await recognizePortrait(platform, { person: 'amaro', scene: 'probe' })).best).toMatchObject({
      decision: 'match',
      person: { external_id: 'amaro' },
    });
  });

  it('When all templates are lost while the platform is down, then they are recreated soon after the start, even young ones', async () => {
    const clock = fakeClock();
    const dataDir = folderWithWeights();
    const before = await startPlatform(functions, { clock, dataDir });
    await enrolPortrait(before, { person: 'amaro' });
    await before.close();
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(dataDir, 'vectors', `templates.db${suffix}`), { force: true });

    const platform = await startPlatform(functions, { clock, dataDir });
    await clock.advance(minute);

    expect(await ran(platform, 1)).toMatchObject({ rebuilt: 1, lost: 0 });
    expect((await recognizePortrait(platform, { person: 'amaro', scene: 'probe' })).best).toMatchObject({
      decision: 'match',
      person: { external_id: 'amaro' },
    });
  });

  it('When the image of a young record is not stored yet, then its face stays', async () => {
    const clock = fakeClock();
    const platform = await startPlatform(functions, { clock });
    const { ports } = platform;
    const { face_id, image_id } = await enrolPortrait(platform, { person: 'amaro' });
    const { face_id: other } = await enrolPortrait(platform, { person: 'kira' });
    await ports.vectors.remove(tenant, [face_id, other]);
    await ports.images.delete(tenant, (await ports.records.getImage(tenant, image_id))!.blobKey);

    await clock.advance(minute);

    expect(await ran(platform, 1)).toMatchObject({ rebuilt: 1, lost: 0 });
    expect((await platform.call('GET', `/api/v1/faces/${face_id}`)).status).toBe(200);
  });

  it('When the image is lost too, then the face is deleted', async () => {
    const { platform, clock } = await startReconciled();
    const { face_id, image_id } = await enrolPortrait(platform, { person: 'amaro' });
    await platform.ports.vectors.remove(tenant, [face_id]);
    const image = await platform.ports.records.getImage(tenant, image_id);
    await platform.ports.images.delete(tenant, image?.blobKey ?? '');

    await clock.advance(hour);

    expect(await ran(platform, 2)).toMatchObject({ rebuilt: 0, lost: 1 });
    expect((await platform.call('GET', `/api/v1/faces/${face_id}`)).status).toBe(404);
  });

  it('When a crash left a template or an image file without a record, then it is deleted; a recent file stays', async () => {
    const { platform, clock } = await startReconciled();
    const { ports } = platform;
    const { face_id } = await enrolPortrait(platform, { person: 'amaro' });
    const pack = await ports.extractor.describe();
    const [entry] = await ports.vectors.get(tenant, pack, [face_id]);
    await ports.vectors.upsert(tenant, pack, [{ ...entry!, faceId: '00000000-0000-4000-8000-000000000001' }]);
    await ports.images.put(tenant, 'old', Buffer.from('left behind'));
    await clock.advance(hour - 60_000);
    await ports.images.put(tenant, 'new', Buffer.from('enrolment not finished'));

    await clock.advance(60_000);

    expect(await ran(platform, 2)).toMatchObject({
      rebuilt: 0,
      lost: 0,
      strayVectors: 1,
      strayImages: 1,
    });
    expect(await ports.images.get(tenant, 'old')).toBeNull();
    expect(await ports.images.get(tenant, 'new')).not.toBeNull();
    expect(await ports.vectors.get(tenant, pack, [face_id])).toHaveLength(1);
  });
});

/** Starts a platform and waits for the first run, soon after the start. */
async function startReconciled() {
  const clock = fakeClock();
  const platform = await startPlatform(functions, { clock });
  await clock.advance(minute);
  await ran(platform, 1);
  return { platform, clock };
}

/** The log line of the first run (soon after the start) or of the second run. Does not move the fake clock. */
async function ran({ logs }: { logs: Record<string, unknown>[] }, run: 1 | 2) {
  const lines = () => logs.filter((line) => line.function === 'reconcile-gallery' && line.msg === 'ran');
  while (lines().length < run) await breathe();
  return lines()[run - 1];
}
