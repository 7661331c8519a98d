import { describe, expect, it } from 'vitest';
import { fakeClock } from '../../shared/testing/fake-clock.ts';
import { newLogin, sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { sharedPlatform, startPlatform } from '../../shared/testing/platform.ts';
import { temporaryFolder } from '../../shared/testing/temporary-folder.ts';

const keys = '/api/v1/api_keys';
const me = '/api/v1/auth/me';
const day = 24 * 60 * 60_000;

describe('service keys', () => {
  const platform = sharedPlatform(sightless, sightlessOptions);
  const create = (fields: object, as?: string) =>
    platform().call('POST', keys, {
      json: { name: 'front door', scopes: ['persons:read'], ...fields },
      ...(as === undefined ? {} : { as }),
    });

  it('When a key is created, then only this response shows it, and it is valid for its scopes only', async () => {
    const { call } = platform();

    const answer = await create({ scopes: ['persons:read', 'persons:read'] });

    expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'no-store']);
    const { key, ...shown } = answer.json.data;
    expect(shown).toEqual({
      key_id: key.split('.')[2],
      name: 'front door',
      scopes: ['persons:read'],
      created_by: expect.stringMatching(/^key:/),
      ends_with_key: expect.stringMatching(/^[\w-]{12}$/),
      created_at: expect.stringMatching(/Z$/),
      expires_at: expect.stringMatching(/Z$/),
      revoked_at: null,
    });
    // The server reads the clock once for each time, so the difference is not exactly 365 days.
    expect((Date.parse(shown.expires_at) - Date.parse(shown.created_at)) / day).toBeCloseTo(365, 3);
    expect(key).toMatch(/^ffk\.default\.[\w-]+\.[\w-]{43}$/);
    expect((await call('GET', '/api/v1/persons', { as: key })).status).toBe(200);
    expect((await call('GET', '/api/v1/persons', { as: null, headers: { 'x-api-key': key } })).status).toBe(200);
    expect((await call('POST', '/api/v1/persons', { as: key, json: {} })).status).toBe(403);
    const listed = (await call('GET', `${keys}?limit=500`)).json.data;
    expect(listed.api_keys).toContainEqual(shown);
    expect(JSON.stringify(listed)).not.toContain(key.split('.')[3]);
  });

  it('When a key is asked for that never expires, then it does not, unless the caller uses a key that expires', async () => {
    const answering = sightless.filter(({ manifest }) => manifest.trigger.kind === 'http');
    const options = { ...sightlessOptions, dataDir: temporaryFolder() };
    const before = await startPlatform(answering, { ...options, clock: fakeClock(Date.UTC(2026, 0, 1)) });
    const { call } = before;
    const forever = { json: { name: 'door', scopes: ['persons:read', 'users:manage'], expires_at: null } };

    const { status, json } = await call('POST', keys, forever);
    const short = await call('POST', keys, { json: { ...forever.json, expires_at: undefined, expires_in_days: 30 } });
    const refused = await call('POST', keys, { ...forever, as: short.json.data.key });

    expect([status, json.data.expires_at]).toEqual([201, null]);
    expect([refused.status, refused.json.error.details[0].field]).toEqual([400, 'expires_at']);
    await before.close();
    const after = await startPlatform(answering, { ...options, clock: fakeClock(Date.UTC(2046, 0, 1)) });
    expect((await after.call('GET', me, { as: json.data.key })).json.data.expires_at).toBeNull();
  });

  it('When a key is revoked, then it is invalid at once, and a second request changes nothing', async () => {
    const { call } = platform();
    const { key, key_id } = (await create({})).json.data;

    const answer = await call('DELETE', `${keys}/${key_id}`);

    expect([answer.status, answer.json.data.revoked_at]).toEqual([200, expect.stringMatching(/Z$/)]);
    expect((await call('GET', me, { as: key })).status).toBe(401);
    expect((await call('DELETE', `${keys}/${key_id}`)).json.data).toEqual(answer.json.data);
    expect((await call('DELETE', `${keys}/nothing`)).json.error.code).toBe('API_KEY_NOT_FOUND');
  });

  it('When a caller creates or revokes a key with scopes that the caller lacks, then the response is 403', async () => {
    const { call } = platform();
    const admin = await newLogin(platform(), { role: 'admin' });
    const stronger = (await create({ scopes: ['tenants:manage'] })).json.data;

    const made = await create({ scopes: ['persons:read', 'tenants:manage'] }, admin.token);
    const revoked = await call('DELETE', `${keys}/${stronger.key_id}`, { as: admin.token });

    expect([made.status, made.json.error.details]).toEqual([403, { scopes: ['tenants:manage'] }]);
    expect(revoked.status).toBe(403);
    expect((await call('GET', me, { as: stronger.key })).status).toBe(200);
    const own = await create({}, admin.token);
    expect(own.json.data.created_by).toBe(`user:${admin.userId}`);
    expect((await call('DELETE', `${keys}/${own.json.data.key_id}`, { as: admin.token })).status).toBe(200);
  });

  it('When a key that expires creates another key, then the new key expires no later', async () => {
    const lent = (await create({ scopes: ['users:manage'], expires_in_days: 2 })).json.data;

    const byDefault = await create({ scopes: ['users:manage'] }, lent.key);
    const shorter = await create({ scopes: ['users:manage'], expires_in_days: 1 }, lent.key);
    const longer = await create({ scopes: ['users:manage'], expires_in_days: 3 }, lent.key);

    expect(byDefault.json.data.expires_at).toBe(lent.expires_at);
    expect(shorter.status).toBe(201);
    expect([longer.status, longer.json.error.details[0].field]).toEqual([400, 'expires_in_days']);
  });

  it.each([
    ['no scope is given', { scopes: [] }, 'scopes'],
    ['a scope is unknown', { scopes: ['faces:eat'] }, 'scopes.0'],
    ['the expiry is in the past', { expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    ['the expiry is not a time', { expires_at: 'tomorrow' }, 'expires_at'],
    ['the expiry is too late', { expires_at: '2099-01-01T00:00:00Z' }, 'expires_at'],
    ['there are too many days', { expires_in_days: 3651 }, 'expires_in_days'],
    ['the expiry is given twice', { expires_in_days: 5, expires_at: '2030-01-01T00:00:00Z' }, 'expires_at'],
    ['the name is empty', { name: '' }, 'name'],
  ])('When %s, then the response is 400 and names the field', async (_, fields, field) => {
    const answer = await create(fields);

    expect([answer.status, answer.json.error.details[0].field]).toEqual([400, field]);
  });

  it('When an operator reads or changes keys or users, then the response is 403', async () => {
    const { call } = platform();
    const { token } = await newLogin(platform(), { role: 'operator' });

    const answers = [
      await create({}, token),
      await call('GET', keys, { as: token }),
      await call('DELETE', `${keys}/x`, { as: token }),
      await call('GET', '/api/v1/users', { as: token }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
  });
});

describe('service keys, over time', () => {
  it('When a key has expired, then it is invalid, and the list still shows it', async () => {
    const clock = fakeClock();
    const answering = sightless.filter(({ manifest }) => manifest.trigger.kind === 'http');
    const platform = await startPlatform(answering, { ...sightlessOptions, clock });
    const { call } = platform;
    const json = { name: 'visitor', scopes: ['persons:read'], expires_in_days: 1 };
    const { key, key_id } = (await call('POST', keys, { json })).json.data;
    await clock.advance(day - 1);
    expect((await call('GET', me, { as: key })).status).toBe(200);

    await clock.advance(1);

    expect((await call('GET', me, { as: key })).status).toBe(401);
    const { api_keys } = (await call('GET', keys)).json.data;
    expect(api_keys.map((each: { key_id: string }) => each.key_id)).toContain(key_id);
  });
});
