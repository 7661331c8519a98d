import { describe, expect, it } from 'vitest';
import { expectedMissRate } from '../../shared/domain/gallery-size.ts';
import { fakeClock } from '../../shared/testing/fake-clock.ts';
import { enrolPortrait, fillGallery, recognizePortrait } from '../../shared/testing/gallery.ts';
import { startPlatform } from '../../shared/testing/platform.ts';
import { drawGroup, drawPortrait, drawScene } from '../../shared/testing/portraits/index.ts';
import { functions } from '../registry.gen.ts';

const path = '/api/v1/faces/recognize';

describe('faces/recognize', () => {
  it('When the gallery is empty, then every face is unknown', async () => {
    const platform = await startPlatform(functions);

    const data = await recognizePortrait(platform, { person: 'amaro' });

    expect(data).toMatchObject({ faces: [{ decision: 'unknown', similarity: 0, person: null }], cached: false });
  });

  it('When people are enrolled, then each is recognised in other light, size and tilt, and a stranger is no match', async () => {
    const platform = await startPlatform(functions);
    for (const person of ['amaro', 'dana', 'hana'] as const) await enrolPortrait(platform, { person });

    const views = [{ light: 'lamp' }, { size: 250 }, { tilt: 12 }, { background: 'garden' }] as const;
    for (const person of ['amaro', 'dana', 'hana'] as const) {
      for (const view of views) {
        const { best } = await recognizePortrait(platform, { person, scene: 'probe', ...view });
        expect(best, `${person} ${JSON.stringify(view)}`).toMatchObject({
          decision: 'match',
          person: { external_id: person },
        });
      }
    }
    const { best } = await recognizePortrait(platform, { person: 'boris' });
    expect(best).toMatchObject({ decision: expect.not.stringMatching('match') });
  });

  it('When a photo shows several people, then each face has a decision, and `best` is the strongest one', async () => {
    const platform = await startPlatform(functions);
    const amaro = await enrolPortrait(platform, { person: 'amaro' });
    const image = await drawGroup([
      { person: 'boris', head: 220 },
      { person: 'amaro', head: 160 },
    ]);

    const { json } = await platform.call('POST', path, { form: { image } });

    expect(json.data.faces.map(({ decision }: { decision: string }) => decision === 'match')).toEqual([false, true]);
    expect(json.data.best).toMatchObject({ decision: 'match', person: { person_id: amaro.person_id } });
  });

  it('When the same photo is sent again, then the result is from the cache until the gallery changes', async () => {
    const clock = fakeClock();
    const platform = await startPlatform(functions, { clock });
    await enrolPortrait(platform, { person: 'amaro' });
    await clock.advance(platform.ports.vectors.lagMs + 1);
    const portrait = { person: 'amaro', scene: 'probe' } as const;

    const first = await recognizePortrait(platform, portrait);
    const again = await recognizePortrait(platform, portrait);
    await platform.call('DELETE', `/api/v1/persons/${first.best.person.person_id}`);
    const afterwards = await recognizePortrait(platform, portrait);

    expect([first.cached, again.cached, afterwards.cached]).toEqual([false, true, false]);
    expect(again.faces).toEqual(first.faces);
    expect(afterwards.best).toMatchObject({ decision: 'unknown', person: null });
  });

  it('When a day passes and a person is erased, then the earlier result is not returned again', async () => {
    const clock = fakeClock();
    const platform = await startPlatform(functions, { clock });
    const { person_id } = await enrolPortrait(platform, { person: 'amaro' });
    await clock.advance(23.8 * 60 * 60 * 1000);
    expect((await recognizePortrait(platform, { person: 'amaro', scene: 'probe' })).best.decision).toBe('match');
    await clock.advance(0.3 * 60 * 60 * 1000);
    await platform.call('DELETE', `/api/v1/persons/${person_id}`);

    const data = await recognizePortrait(platform, { person: 'amaro', scene: 'probe' });

    expect(data).toMatchObject({ cached: false, best: { decision: 'unknown' } });
  });

  it('When the gallery grows, then the response has the miss rate to expect at its size, also from the cache', async () => {
    const platform = await startPlatform(functions);
    const { calibration } = await platform.ports.extractor.describe();
    const expected = (fpir: number, templates: number) =>
      Math.round(1000 * expectedMissRate(calibration, fpir, templates)!) / 1000;

    const empty = await recognizePortrait(platform, { person: 'amaro' });
    await fillGallery(platform, 200);
    await enrolPortrait(platform, { person: 'amaro' });
    const full = await recognizePortrait(platform, { person: 'amaro' });
    const again = await recognizePortrait(platform, { person: 'amaro' });
    const strict = await platform.call('POST', path, {
      form: { fpir: '0.001', image: await drawPortrait({ person: 'amaro' }) },
    });

    expect(empty.expected_miss_rate).toBe(expected(0.01, 1));
    expect(full).toMatchObject({ cached: false, expected_miss_rate: expected(0.01, 201) });
    expect(full.expected_miss_rate).toBeGreaterThan(0.2);
    expect(again).toMatchObject({
      cached: platform.ports.vectors.lagMs === 0,
      expected_miss_rate: full.expected_miss_rate,
    });
    expect(strict.json.data.expected_miss_rate).toBe(expected(0.001, 201));
  });

  it('When a probe is recognised, then it does not enter the gallery', async () => {
    const platform = await startPlatform(functions);

    await recognizePortrait(platform, { person: 'amaro' });

    const pack = await platform.ports.extractor.describe();
    expect(await platform.ports.vectors.count('default' as never, pack)).toEqual({ assigned: 0, total: 0 });
    expect((await platform.ports.records.listImages('default' as never, { limit: 10 })).items).toEqual([]);
  });

  it('When the rate is not supported or the photo shows no face, then the response is 400 or 422', async () => {
    const platform = await startPlatform(functions);
    const image = await drawPortrait({ person: 'amaro' });

    const rate = await platform.call('POST', path, { form: { fpir: '0.5', image } });
    const scene = await platform.call('POST', path, { form: { image: await drawScene() } });

    expect([rate.status, rate.json.error.details]).toEqual([400, [{ field: 'fpir', issue: 'must be 0.01 or 0.001' }]]);
    expect([scene.status, scene.json.error.code]).toEqual([422, 'NO_FACE']);
  });
});
