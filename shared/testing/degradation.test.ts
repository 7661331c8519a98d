import { afterEach, describe, expect, it } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import type { RuntimeContext } from '../function/context.ts';
import type { Openers } from '../function/ports.ts';
import type { PortName } from '../ports/index.ts';
import { fakeExtractor, fakePhoto } from './fake-extractor.ts';
import { withFaults } from './faults.ts';
import { sharedPlatform } from './platform.ts';
import { startReceiver } from './webhook-receiver.ts';

/** The platform while one of its stores is down. degradation-engines.test.ts does the same with real servers. */
describe('without a store', () => {
  const down = new Set<PortName>();
  const platform = sharedPlatform(functions, {
    openers: switched(down),
    settings: { FREEFACE_RATE_LIMIT_LOGIN: '1000', FREEFACE_WEBHOOK_ALLOW: '127.0.0.1' },
  });
  afterEach(() => down.clear());

  const call = (...parameters: Parameters<ReturnType<typeof platform>['call']>) => platform().call(...parameters);
  const enrol = (n: number, id: string, path = 'enroll') =>
    call('POST', `/api/v1/faces/${path}`, { form: { external_id: id, image: fakePhoto(n) } });
  /** Sends another photo of the face `n`; each `photo` gives different bytes. */
  const recognize = (n: number, photo = 1) =>
    call('POST', '/api/v1/faces/recognize', { form: { image: Buffer.concat([fakePhoto(n), Buffer.alloc(photo)]) } });
  const readiness = async () => {
    const { status, json } = await call('GET', '/api/v1/health/ready');
    const stores = Object.entries(json.data?.stores ?? {});
    return [status, json.data?.status, stores.flatMap(([name, state]) => (state === 'failing' ? [name] : []))];
  };

  describe('the cache', () => {
    it('When it is down, then people are enrolled, found, recognised, changed and erased, and readiness names the cache', async () => {
      down.add('cache');

      const enrolled = await enrol(1, 'one');
      const first = await recognize(1);
      const again = await recognize(1);
      const found = await call('POST', '/api/v1/faces/search', { form: { image: fakePhoto(1) } });
      const path = `/api/v1/persons/${enrolled.json.data.person_id}`;
      const changed = await call('PUT', path, { json: { name: 'Another' } });
      const ready = await readiness();
      const erased = await call('DELETE', path);
      const after = await recognize(1);

      expect(ready).toEqual([200, 'degraded', ['cache']]);
      expect([enrolled, first, again, found, changed, erased].map(({ status }) => status)).toEqual([
        201, 200, 200, 200, 200, 200,
      ]);
      expect(again.json.data).toMatchObject({
        cached: false,
        best: { decision: 'match', person: { external_id: 'one' } },
      });
      expect(found.json.data.faces[0].matches[0]).toMatchObject({ external_id: 'one' });
      expect(after.json.data.best.decision).toBe('unknown');
    });

    it('When a person is erased, renamed or enrolled while it is down, then no old result is returned once it is up', async () => {
      const { person_id } = (await enrol(2, 'two')).json.data;
      const renamed = (await enrol(3, 'three')).json.data;
      const kept = [await recognize(2), await recognize(2), await recognize(3), await recognize(4), await recognize(4)];

      down.add('cache');
      await call('DELETE', `/api/v1/persons/${person_id}`);
      await call('PUT', `/api/v1/persons/${renamed.person_id}`, { json: { name: 'New name' } });
      await enrol(4, 'four');
      down.delete('cache');
      const answers = [await recognize(2), await recognize(3), await recognize(4)].map(({ json }) => json.data);

      expect(kept.map(({ json }) => json.data.cached)).toEqual([false, true, false, false, true]);
      expect(answers.map(({ cached }) => cached)).toEqual([false, false, false]);
      expect(answers.map(({ best }) => best.person?.name ?? best.person?.external_id ?? null)).toEqual([
        null,
        'New name',
        'four',
      ]);
    });

    it('When it is down, then logins and requests with an Idempotency-Key are refused with 503', async () => {
      const user = { username: 'ada', name: 'Ada', password: 'three purple umbrellas', role: 'viewer' };
      await call('POST', '/api/v1/users', { json: user });
      const login = (password = user.password) =>
        call('POST', '/api/v1/auth/login', { as: null, json: { username: 'ada', password } });
      const before = await login();
      const token = before.json.data.access_token;
      down.add('cache');

      const refused = await login();
      const known = await call('GET', '/api/v1/auth/me', { as: token });
      const refreshed = await call('POST', '/api/v1/auth/refresh', {
        as: null,
        json: { refresh_token: before.json.data.refresh_token },
      });
      const once = await call('POST', '/api/v1/persons', {
        json: { external_id: 'once' },
        headers: { 'idempotency-key': 'once' },
      });

      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
      expect([known.status, refreshed.status]).toEqual([200, 200]);
      expect([once.status, once.headers.get('retry-after')]).toEqual([503, '1']);
      expect((await call('GET', '/api/v1/persons/by_external_id/once')).status).toBe(404);
    });
  });

  describe('vectors', () => {
    it('When they are down, then no partial enrolment is stored, and accepted jobs complete once they are up', async () => {
      const known = await enrol(10, 'ten');
      down.add('vectors');

      const refused = [await enrol(11, 'eleven'), await recognize(10)];
      const accepted = await enrol(12, 'twelve', 'enroll_async');
      const reads = [
        await call('GET', `/api/v1/persons/${known.json.data.person_id}`),
        await call('GET', `/api/v1/persons/${known.json.data.person_id}/timeline`),
        await call('GET', `/api/v1/images/${known.json.data.image_id}/download`),
        await call('GET', '/api/v1/persons'),
        await call('GET', '/api/v1/metrics'),
      ];
      const missing = await call('GET', '/api/v1/persons/by_external_id/eleven');
      const ready = await readiness();
      down.delete('vectors');
      const job = `/api/v1/faces/enroll/status/${accepted.json.data.job_id}`;
      await expect.poll(async () => (await call('GET', job)).json.data.status, { timeout: 30_000 }).toBe('completed');
      const repeated = await enrol(11, 'eleven');

      expect(refused.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
        [503, '1'],
        [503, '1'],
      ]);
      expect(reads.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
      expect(missing.status).toBe(404);
      expect(ready).toEqual([200, 'degraded', ['vectors']]);
      expect([accepted.status, repeated.status]).toEqual([202, 201]);
      expect((await recognize(12)).json.data.best).toMatchObject({ decision: 'match' });
    });
  });

  describe('events', () => {
    it('When they are down, then synchronous requests succeed, and events are published once they are up', async () => {
      const before = (await platform().events(0)).length;
      down.add('events');

      const enrolled = await enrol(20, 'twenty');
      const recognized = await recognize(20);
      const metrics = await call('GET', '/api/v1/metrics');
      const text = await call('GET', '/api/v1/metrics/prometheus');
      const accepted = await enrol(21, 'twenty-one', 'enroll_async');
      const ready = await readiness();
      down.delete('events');
      await call('POST', '/api/v1/persons', { json: { external_id: 'starts the sweep' } });
      const events = await platform().events(before + 3);

      expect([enrolled, recognized, metrics, text, accepted].map(({ status }) => status)).toEqual([
        201, 200, 200, 200, 202,
      ]);
      expect(metrics.json.data.events.lag).toBeNull();
      expect(ready).toEqual([200, 'degraded', ['events']]);
      expect(events.slice(before).map(({ type }) => type)).toEqual(
        expect.arrayContaining(['freeface.person.created.v1', 'freeface.face.enrolled.v1']),
      );
      const job = `/api/v1/faces/enroll/status/${accepted.json.data.job_id}`;
      await expect.poll(async () => (await call('GET', job)).json.data.status, { timeout: 30_000 }).toBe('completed');
    });
  });

  describe('images', () => {
    it('When they are down, then recognition and search succeed, and no partial enrolment is stored', async () => {
      const known = await enrol(30, 'thirty');
      down.add('images');

      const recognized = await recognize(30);
      const found = await call('POST', '/api/v1/faces/search', { form: { image: fakePhoto(30) } });
      const refused = [await enrol(31, 'thirty-one'), await enrol(32, 'thirty-two', 'enroll_async')];
      const picture = await call('GET', `/api/v1/images/${known.json.data.image_id}/download`);
      const missing = await call('GET', '/api/v1/persons/by_external_id/thirty-one');
      const ready = await readiness();
      down.delete('images');

      expect([recognized, found].map(({ status }) => status)).toEqual([200, 200]);
      expect(recognized.json.data.best).toMatchObject({ decision: 'match' });
      expect([...refused, picture].map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
        [503, '1'],
        [503, '1'],
        [503, '1'],
      ]);
      expect(missing.status).toBe(404);
      expect(ready).toEqual([200, 'degraded', ['images']]);
      expect((await enrol(31, 'thirty-one')).status).toBe(201);
    });
  });

  describe('webhooks', () => {
    it('When they are down, then people are enrolled and recognised, readiness names webhooks, and messages are delivered once they are up', async () => {
      const receiver = await startReceiver();
      const made = await call('POST', '/api/v1/webhooks', {
        json: { url: receiver.url, event_types: ['face.enrolled'] },
      });
      down.add('webhooks');

      const enrolled = await enrol(40, 'forty');
      const recognized = await recognize(40);
      const refused = await call('GET', '/api/v1/webhooks');
      const health = await call('GET', '/api/v1/health');
      const ready = await readiness();
      down.delete('webhooks');

      expect([made, enrolled, recognized, health].map(({ status }) => status)).toEqual([201, 201, 200, 200]);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
      expect(health.json.data).toMatchObject({ status: 'degraded', stores: { webhooks: 'failing', records: 'ok' } });
      expect(ready).toEqual([200, 'degraded', ['webhooks']]);
      // The receiver may also get faces that earlier tests enrolled.
      const deliveredFaces = () => receiver.calls.map(({ body }) => JSON.parse(body).data.face_id);
      await expect.poll(deliveredFaces, { timeout: 30_000 }).toContain(enrolled.json.data.face_id);
    });
  });

  describe('records', () => {
    it('When they are down, then the platform is not ready, and it is ready again once they are up', async () => {
      down.add('records');

      const without = await readiness();
      const alive = await call('GET', '/health/liveness', { as: null });
      down.delete('records');

      expect(without[0]).toBe(503);
      expect(alive.status).toBe(200);
      expect(await readiness()).toEqual([200, 'ready', []]);
    });
  });
});

/** The embedded stores; each fails every call while its name is in `down`. */
function switched(down: ReadonlySet<PortName>): Openers {
  const switchable = Object.entries(embeddedOpeners).map(([name, open]) => [
    name,
    async (context: RuntimeContext) =>
      withFaults(await open(context), {
        failing: 1,
        slow: 0,
        slowMs: 0,
        random: () => 0,
        active: () => down.has(name as PortName),
      }),
  ]);
  return {
    ...Object.fromEntries(switchable),
    extractor: async () => fakeExtractor({ latencyMs: () => 1, working: 4 }),
  } as Openers;
}
