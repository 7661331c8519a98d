import { expect, it } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { enrolPortrait, recognizePortrait } from '../testing/gallery.ts';
import { startPlatform, type TestPlatform } from '../testing/platform.ts';
import { drawGroup, drawPortrait } from '../testing/portraits/index.ts';

const inForce = { basis: 'contract', given_at: '2025-01-01T00:00:00Z' };

/** A platform that requires consent. Its clock starts at 2026-01-01. */
async function start() {
  const clock = fakeClock();
  const platform = await startPlatform(functions, { clock });
  const setting = await platform.call('PUT', '/api/v1/tenants/default', { json: { consent_required: true } });
  expect(setting.json).toMatchObject({ success: true });
  return { ...platform, platform, clock };
}

const enrol = async (
  { call }: Pick<TestPlatform, 'call'>,
  fields: Readonly<Record<string, string>>,
  image?: Uint8Array,
) =>
  call('POST', '/api/v1/faces/enroll', {
    form: { ...fields, image: image ?? (await drawPortrait({ person: 'amaro' })) },
  });

it('When a tenant requires consent, then an enrolment without a consent in force is refused, and nothing is stored', async () => {
  const { platform, call, ports } = await start();
  const consent = (given: object) => ({ external_id: 'amaro', consent: JSON.stringify(given) });
  await call('POST', '/api/v1/persons', {
    json: { person_id: 'old', consent: { ...inForce, expires_at: '2025-06-01T00:00:00Z' } },
  });

  const refused = [
    await enrol(platform, { external_id: 'amaro' }),
    await enrol(platform, consent({ ...inForce, given_at: '2026-06-01T00:00:00Z' })),
    await enrol(platform, consent({ ...inForce, expires_at: '2026-01-01T00:00:00Z' })),
    await enrol(platform, { person_id: 'old', consent: JSON.stringify(inForce) }),
    await enrol(platform, {}),
    await enrol(platform, { 'processing_options.auto_associate': 'true' }),
  ];

  expect(refused.map(({ status, json }) => [status, json.error.code, json.error.details[0].issue])).toEqual([
    [403, 'CONSENT_REQUIRED', 'is missing'],
    [403, 'CONSENT_REQUIRED', 'begins at 2026-06-01T00:00:00Z'],
    [403, 'CONSENT_REQUIRED', 'expired at 2026-01-01T00:00:00Z'],
    [403, 'CONSENT_REQUIRED', 'expired at 2025-06-01T00:00:00Z'],
    [403, 'CONSENT_REQUIRED', 'is required, or external_id, of a person whose consent is in force'],
    [403, 'CONSENT_REQUIRED', 'is required, or external_id, of a person whose consent is in force'],
  ]);
  const kept = await ports.records.usage('default' as never);
  expect(kept).toEqual({ persons: 1, faces: 0, bytes: 0 });
  for await (const { key } of ports.images.keys('default' as never)) expect.unreachable(key);
});

it('When a consent in force is sent with the enrolment or stored for the person, then the enrolment succeeds', async () => {
  const { platform, call } = await start();
  await call('POST', '/api/v1/persons', { json: { person_id: 'dana', consent: inForce } });

  const sent = await enrol(platform, { external_id: 'amaro', consent: JSON.stringify(inForce) });
  const kept = await enrol(platform, { person_id: 'dana' }, await drawPortrait({ person: 'dana' }));
  const joined = await enrol(
    platform,
    { 'processing_options.auto_associate': 'true' },
    await drawPortrait({ person: 'amaro', scene: 'two' }),
  );

  expect([sent.status, kept.status, joined.status]).toEqual([201, 201, 201]);
  expect(joined.json.data.person_id).toBe(sent.json.data.person_id);
});

it('When a photo shows other people too, then only faces of people with a consent are enrolled', async () => {
  const { platform, ports } = await start();
  const image = await drawGroup([
    { person: 'dana', head: 240 },
    { person: 'emeka', head: 150 },
  ]);

  const { json } = await enrol(
    platform,
    { external_id: 'dana', consent: JSON.stringify(inForce), 'processing_options.enable_multi_face': 'true' },
    image,
  );

  expect(json.data.faces).toHaveLength(1);
  expect(json.message).toContain('1 face was left out');
  expect((await ports.records.usage('default' as never)).faces).toBe(1);
});

it('When a consent expires, then recognition, its cached answers and searches stop naming the person at once', async () => {
  const { platform, call, clock } = await start();
  const expires_at = '2026-01-01T00:10:00Z';
  await enrolPortrait(platform, { person: 'amaro' }, { consent: JSON.stringify({ ...inForce, expires_at }) });
  const image = await drawPortrait({ person: 'amaro', scene: 'two' });
  const search = async () =>
    (await call('POST', '/api/v1/faces/search', { form: { image } })).json.data.faces[0].matches;

  const before = await recognizePortrait(platform, { person: 'amaro', scene: 'two' });
  const foundBefore = await search();
  await clock.advance(10 * 60_000);
  const after = await recognizePortrait(platform, { person: 'amaro', scene: 'two' });

  expect([before.best.decision, before.cached, foundBefore.length]).toEqual(['match', false, 1]);
  expect([after.best.decision, after.best.person, after.cached]).toEqual(['unknown', null, false]);
  expect(await search()).toEqual([]);
  await call('PUT', `/api/v1/persons/${before.best.person.person_id}`, { json: { consent: inForce } });
  expect((await recognizePortrait(platform, { person: 'amaro', scene: 'two' })).best.decision).toBe('match');
});

it('When a tenant starts to require consent, then a cached answer does not name a person without consent', async () => {
  const platform = await startPlatform(functions);
  await enrolPortrait(platform, { person: 'amaro' });
  await recognizePortrait(platform, { person: 'amaro' });

  await platform.call('PUT', '/api/v1/tenants/default', { json: { consent_required: true } });

  expect((await recognizePortrait(platform, { person: 'amaro' })).best.decision).toBe('unknown');
});
