import { randomInt, randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { goodPassword } from '../../shared/testing/logins.ts';
import { drawPortrait } from '../../shared/testing/portraits/index.ts';
import { call } from './client.ts';
import { saw, until } from './kubernetes.ts';

it('When a person is enrolled, found, recognised and erased through the gateway, then every answer is right', async () => {
  const run = randomUUID().slice(0, 8);
  const username = `ada-${run}`;
  const [person, other] = [`amaro-${run}`, `chidi-${run}`];
  // Somebody new, so that nobody of an earlier run looks the same.
  const [somebody, another] = [randomInt(1e9), randomInt(1e9)];
  const photo = await drawPortrait({ person: somebody });
  const probe = await drawPortrait({ person: somebody, scene: 'another' });
  const second = Buffer.from(await drawPortrait({ person: another })).toString('base64');

  const user = await call('POST', '/api/v1/users', { json: { username, role: 'admin', password: goodPassword } });
  const login = await call('POST', '/api/v1/auth/login', { as: null, json: { username, password: goodPassword } });
  const as = login.json.data.access_token as string;
  const enrolled = await call('POST', '/api/v1/faces/enroll', { as, form: { image: photo, external_id: person } });
  const personId = enrolled.json.data.person_id as string;
  const searched = await call('POST', '/api/v1/faces/search', { form: { image: probe } });
  const recognised = await call('POST', '/api/v1/faces/recognize', { form: { image: probe } });
  const detected = await call('POST', '/api/v1/faces/detect', { form: { image: probe } });
  const accepted = await call('POST', '/api/v1/faces/enroll_async', {
    json: { external_id: other, image_data: second },
  });
  const job = await until('the job is done', async () => {
    const { json } = await call('GET', `/api/v1/faces/enroll/status/${accepted.json.data.job_id}`);
    return ['completed', 'failed'].includes(json.data.status) && json.data;
  });
  const found = await call('GET', `/api/v1/persons/${personId}`);
  const image = await call('GET', `/api/v1/images/${enrolled.json.data.image_id}?variant=face`);
  const timeline = await call('GET', `/api/v1/persons/${personId}/timeline`);
  const health = await call('GET', '/api/v1/health');
  const page = await call('GET', '/docs', { as: null });
  const nowhere = await call('GET', '/api/v1/nowhere');
  const erased = await call('DELETE', `/api/v1/persons/${personId}`);
  const after = await call('GET', `/api/v1/persons/${personId}`);
  const audit = await call('GET', `/api/v1/audit?person_id=${personId}&limit=50`);

  const statuses = {
    user,
    login,
    enrolled,
    searched,
    recognised,
    detected,
    accepted,
    found,
    image,
    timeline,
    health,
    page,
    nowhere,
    erased,
    after,
    audit,
  };
  saw(
    Object.entries(statuses)
      .map(([name, { status }]) => `${name} ${status}`)
      .join(', '),
  );
  saw(`recognised ${JSON.stringify(recognised.json.data.best)}, job ${job.status}`);
  expect(Object.values(statuses).map(({ status }) => status)).toEqual([
    201, 200, 201, 200, 200, 200, 202, 200, 200, 200, 200, 200, 404, 200, 404, 200,
  ]);
  expect(searched.json.data.faces[0].matches[0]).toMatchObject({ external_id: person });
  expect(recognised.json.data.best).toMatchObject({ decision: 'match', person: { external_id: person } });
  expect(detected.json.data.faces.length).toBe(1);
  expect(job.status).toBe('completed');
  expect(image.headers.get('content-type')).toMatch(/^image\//);
  expect(timeline.json.data.appearances?.length ?? timeline.json.data.length).toBe(1);
  expect(nowhere.json.error.code).toBe('ROUTE_NOT_FOUND');
  expect(erased.json.data.erased).toEqual({ faces: 1, vectors: 1, images: 1 });
  expect(audit.json.data.entries.map(({ action }: { action: string }) => action)).toEqual(
    expect.arrayContaining(['erase-person', 'enroll-face', 'recognize-faces']),
  );
});
