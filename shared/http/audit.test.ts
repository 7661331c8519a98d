import { describe, expect, it } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { isHttp } from '../function/define.ts';
import type { AuditEntry, AuditFilter } from '../ports/audit.ts';
import { defaultTenant, type Tenant } from '../ports/tenant.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { goodPassword, logIn, newLogin, sightless, sightlessOptions } from '../testing/logins.ts';
import { sharedPlatform, startPlatform, type TestPlatform } from '../testing/platform.ts';
import { auditedExtent } from './audit.ts';

describe('the audit of requests', () => {
  const platform = sharedPlatform(sightless, sightlessOptions);

  it('When a user changes, reads and lists persons, then each entry has the actor, the action, the persons and the address', async () => {
    const { call } = platform();
    const login = await newLogin(platform(), { role: 'operator' });
    const as = { as: login.token };

    await call('POST', '/api/v1/persons', {
      ...as,
      json: { person_id: 'ada', name: 'Ada', metadata: { person_id: 'x' } },
    });
    const read = await call('GET', '/api/v1/persons/ada', as);
    await call('GET', '/api/v1/persons?limit=500', as);
    await call('GET', '/api/v1/persons/not-here', as);

    const [missing, listed, got, made] = await entries(platform(), { actor: `user:${login.userId}` });
    const common = { actor: `user:${login.userId}`, address: '127.0.0.1', code: null };
    expect(made).toMatchObject({ ...common, action: 'create-person', status: 201 });
    expect(made!.subjects).toEqual({ persons: ['ada'], faces: [], images: [], more: 0 });
    expect(got).toMatchObject({ ...common, action: 'get-person', status: 200, subjects: { persons: ['ada'] } });
    expect(got!.requestId).toBe(read.headers.get('x-request-id'));
    expect(listed).toMatchObject({ ...common, action: 'list-persons', status: 200 });
    expect(listed!.subjects.persons).toContain('ada');
    expect(missing).toMatchObject({ status: 404, code: 'PERSON_NOT_FOUND', subjects: { persons: ['not-here'] } });
    expect((await entries(platform(), { personId: 'ada' })).length).toBe(3);
  });

  it('When a response names more than 100 persons, then the entry counts the rest', async () => {
    const { ports } = platform();
    for (let i = 0; i < 130; i++) {
      await ports.records.createPerson(defaultTenant, { ...nameless, personId: `many-${String(i).padStart(3, '0')}` });
    }

    const answer = await platform().call('GET', '/api/v1/persons?limit=500');

    const [entry] = await entries(platform(), { requestId: answer.headers.get('x-request-id')! });
    expect(entry!.subjects.persons.length).toBe(100);
    expect(entry!.subjects.more).toBe(answer.json.data.persons.length - 100);
  });

  it('When a user lacks the scope, then the refusal is logged with the user as the actor', async () => {
    const login = await newLogin(platform(), { role: 'viewer' });

    const answer = await platform().call('DELETE', '/api/v1/users/some-one', { as: login.token });

    const [entry] = await entries(platform(), { requestId: answer.headers.get('x-request-id')! });
    expect(answer.status).toBe(403);
    expect(entry).toMatchObject({
      action: 'delete-user',
      actor: `user:${login.userId}`,
      status: 403,
      code: 'FORBIDDEN',
      details: { user_id: 'some-one' },
    });
  });

  it('When a login succeeds, then the log has the user; when it fails, the id of a known user or a digest of the name', async () => {
    const { ports } = platform();
    const login = await newLogin(platform());
    const inAt = await entries(platform(), { action: 'log-in', actor: `user:${login.userId}` });
    const secret = 'hunter2-typed-into-the-wrong-field';

    const wrong = await logIn(platform(), { username: login.username, password: 'not my password at all' });
    const unknown = await logIn(platform(), { username: secret });
    const elsewhere = await logIn(platform(), { username: 'ada', tenant: 'no-such-tenant' });

    expect(inAt).toMatchObject([{ status: 200, actorName: login.username, subjects: { persons: [] } }]);
    const found = async (answer: { headers: Headers }) =>
      (await entries(platform(), { requestId: answer.headers.get('x-request-id')! }))[0];
    expect(await found(wrong)).toMatchObject({
      actor: null,
      status: 401,
      code: 'LOGIN_FAILED',
      details: { user_id: login.userId },
    });
    expect((await found(unknown))!.details).toEqual({ username_digest: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect((await found(elsewhere))!.details).toMatchObject({ tenant_claimed: 'no-such-tenant' });
    expect(await ports.audit.tenants()).toEqual([defaultTenant]);
    const all = JSON.stringify(await entries(platform(), {}));
    for (const word of [secret, goodPassword, login.token, login.refreshToken]) expect(all).not.toContain(word);
  });

  it('When a health probe or the own identity is requested, then nothing is logged', async () => {
    const before = await entries(platform(), {});

    await platform().call('GET', '/health');
    await platform().call('GET', '/api/v1/auth/me');

    expect(await entries(platform(), {})).toEqual(before);
  });

  it('When all functions are compared, then the log leaves out only probes, documentation, keys, metrics and the own identity', () => {
    const out = functions
      .flatMap(({ manifest }) => (isHttp(manifest) ? [manifest] : []))
      .filter((manifest) => auditedExtent(manifest) !== 'all')
      .map(({ name }) => name);

    expect(out).toEqual(
      functions
        .map(({ manifest: { name } }) => name)
        .filter((name) =>
          /^(api-docs|get-(health|liveness|readiness|key-set|identity|metrics|prometheus-metrics))$/.test(name),
        ),
    );
  });
});

it('When strangers send many requests, then the log counts them instead of growing', async () => {
  const platform = await startPlatform(sightless, { ...sightlessOptions, clock: fakeClock() });
  const request = () => platform.call('GET', '/api/v1/persons/ada', { as: 'ffk.default.not-known.secret' });

  for (let i = 0; i < 130; i++) await request();

  const refused = await entries(platform, { personId: 'ada' });
  expect(refused.length).toBe(30 + 2);
  expect(refused.map(({ details }) => details.refusals_this_minute)).toEqual([
    120,
    60,
    ...Array.from({ length: 30 }, () => undefined),
  ]);
  expect(refused[0]).toMatchObject({ actor: null, status: 401, code: 'UNAUTHENTICATED' });
});

it('When the log cannot be written, then the response is 503 and contains no data', async () => {
  const platform = await startPlatform(sightless, sightlessOptions);
  await platform.call('POST', '/api/v1/persons', { json: { person_id: 'ada', name: 'Ada Lovelace' } });
  const headers = { 'idempotency-key': 'one' };
  const json = { name: 'Ada King' };
  await platform.ports.audit.close();

  const read = await platform.call('GET', '/api/v1/persons/ada');
  const change = await platform.call('PUT', '/api/v1/persons/ada', { json, headers });

  for (const answer of [read, change]) {
    expect([answer.status, answer.json.success, answer.json.error.code]).toEqual([503, false, 'STORE_UNAVAILABLE']);
    expect(Buffer.from(answer.bytes).toString()).not.toContain('Ada');
  }
});

/** Newest first. */
async function entries(
  { ports }: TestPlatform,
  filter: AuditFilter,
  tenant: Tenant = defaultTenant,
): Promise<AuditEntry[]> {
  return (await ports.audit.list(tenant, filter, { limit: 1000 })).items;
}

const nameless = { externalId: null, name: null, metadata: {}, consent: null };
