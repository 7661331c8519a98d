import { describe, expect, it } from 'vitest';
import { fakeClock } from '../../shared/testing/fake-clock.ts';
import { enrolPortrait, recognizePortrait } from '../../shared/testing/gallery.ts';
import { startPlatform } from '../../shared/testing/platform.ts';
import { functions } from '../registry.gen.ts';

const tenant = 'default' as never;
const hour = 60 * 60 * 1000;

describe('reconcile-gallery', () => {
  it('When a template is lost, then it is made anew from the image', async () => {
    const clock = fakeClock();
    const platform = await startPlatform(functions, { clock });
    const { face_id } = await enrolPortrait(platform, { person: 'amaro' });
    await platform.ports.vectors.remove(tenant, [face_id]);

    await clock.advance(hour);
    const summary = await ran(platform, clock);

    expect(summary).toMatchObject({ rebuilt: 1, lost: 0, strayVectors: 0, strayImages: 0 });
    expect((await recognizePortrait(platform, { person: 'amaro', scene: 'probe' })).best).toMatchObject({
      decision: 'match',
      person: { external_id: 'amaro' },
    });
  });

  it('When the image is lost too, then the face goes', async () => {
    const clock = fakeClock();
    const platform = await startPlatform(functions, { clock });
    const { face_id, image_id } = await enrolPortrait(platform, { person: 'amaro' });
    await platform.ports.vectors.remove(tenant, [face_id]);
    const image = await platform.ports.records.getImage(tenant, image_id);
    await platform.ports.images.delete(tenant, image?.blobKey ?? '');

    await clock.advance(hour);

    expect(await ran(platform, clock)).toMatchObject({ rebuilt: 0, lost: 1 });
    expect((await platform.call('GET', `/api/v1/faces/${face_id}`)).status).toBe(404);
  });

  it('When a crash left a template or an image file without a record, then it goes; what is recent stays', async () => {
    const clock = fakeClock();
    const platform = await startPlatform(functions, { clock });
    const { ports } = platform;
    const { face_id } = await enrolPortrait(platform, { person: 'amaro' });
    const pack = await ports.extractor.describe();
    const [entry] = await ports.vectors.get(tenant, pack, [face_id]);
    await ports.vectors.upsert(tenant, pack, [{ ...entry!, faceId: '00000000-0000-4000-8000-000000000001' }]);
    await ports.images.put(tenant, 'old', Buffer.from('left behind'));
    await clock.advance(hour - 60_000);
    await ports.images.put(tenant, 'new', Buffer.from('half-way through'));

    await clock.advance(60_000);

    expect(await ran(platform, clock)).toMatchObject({
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

/** What the last run says in the log. */
async function ran({ logs }: { logs: Record<string, unknown>[] }, clock: ReturnType<typeof fakeClock>) {
  const last = () => logs.findLast((line) => line.function === 'reconcile-gallery' && line.msg === 'ran');
  await clock.until(() => last() !== undefined, 200_000);
  return last();
}
