import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { goodPassword, logIn, newLogin, sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { sharedPlatform, startPlatform } from '../../shared/testing/platform.ts';

const tenants = '/api/v1/tenants';

describe('tenants', () => {
  const platform = sharedPlatform(sightless, sightlessOptions);
  const newTenant = async (fields: object = {}) => {
    const json = { tenant: `t-${randomUUID()}`, name: 'North', ...fields };
    const { status, json: body } = await platform().call('POST', tenants, { json });
    return {
      status,
      body,
      tenant: json.tenant,
      url: `${tenants}/${json.tenant}`,
      key: body.data?.api_key.key as string,
    };
  };

  it('When a tenant is created, then its first key can manage it and cannot read another tenant', async () => {
    const { call } = platform();
    const person = (await call('POST', '/api/v1/persons', { json: { name: 'Ada' } })).json.data;

    const { status, body, tenant, key } = await newTenant({ quota: { persons: 5 }, consent_required: true });

    expect(status).toBe(201);
    expect(body.data.tenant).toEqual({
      tenant,
      name: 'North',
      quota: { persons: 5, faces: null, bytes: null },
      consent_required: true,
      retention: { images_days: null, unknown_faces_days: null },
      time_zone: null,
      created_at: expect.stringMatching(/Z$/),
      updated_at: body.data.tenant.created_at,
      version: 1,
    });
    expect(body.data.api_key).toMatchObject({ expires_at: null, revoked_at: null });
    const me = (await call('GET', '/api/v1/auth/me', { as: key })).json.data;
    expect(me).toMatchObject({ tenant, kind: 'key' });
    expect(me.scopes).not.toContain('tenants:manage');
    expect((await call('GET', `/api/v1/persons/${person.person_id}`, { as: key })).status).toBe(404);
    expect((await call('GET', '/api/v1/persons', { as: key })).json.data.persons).toEqual([]);
    const { api_keys } = (await call('GET', '/api/v1/api_keys', { as: key })).json.data;
    expect(api_keys).toEqual([{ ...body.data.api_key, key: undefined }]);
  });

  it('When a tenant creates its own users, then they can log in to this tenant only', async () => {
    const { call } = platform();
    const { tenant, key } = await newTenant();

    const { username, token } = await newLogin(platform(), { by: key, tenant, role: 'admin' });

    expect((await call('GET', '/api/v1/auth/me', { as: token })).json.data).toMatchObject({ tenant, username });
    expect((await logIn({ call }, { username })).status).toBe(401);
    const json = { username: 'x', role: 'owner', password: goodPassword };
    expect((await call('POST', '/api/v1/users', { json, as: key })).status).toBe(403);
  });

  it('When several requests create the same tenant at the same time, then exactly one gets its key', async () => {
    const tenant = `t-${randomUUID()}`;

    const made = await Promise.all(Array.from({ length: 4 }, () => newTenant({ tenant })));

    expect(made.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409]);
    const { key } = made.find(({ status }) => status === 201)!;
    expect((await platform().call('GET', '/api/v1/api_keys', { as: key })).json.data.api_keys).toHaveLength(1);
  });

  it.each([
    ['the id has capitals', { tenant: 'North' }, 'tenant'],
    ['the id is too long', { tenant: 'n'.repeat(65) }, 'tenant'],
    ['the name is missing', { name: undefined }, 'name'],
    ['a quota is negative', { quota: { persons: -1 } }, 'quota.persons'],
    ['a quota is unknown', { quota: { cats: 1 } }, 'quota.cats'],
    ['the retention is zero days', { retention: { images_days: 0 } }, 'retention.images_days'],
    ['the time zone is unknown', { time_zone: 'Mars/Olympus' }, 'time_zone'],
    ['the time zone is an offset', { time_zone: '+02:00' }, 'time_zone'],
    ['a field is unknown', { owner: true }, 'owner'],
  ])('When %s, then the response is 400 and names the field', async (_, fields, field) => {
    const { status, body } = await newTenant(fields);

    expect([status, body.error.details[0].field]).toEqual([400, field]);
  });

  it('When a tenant changes its own settings, then given ones are replaced, others stay, and If-Match detects a conflict', async () => {
    const { call } = platform();
    const { url, key, body } = await newTenant({ quota: { persons: 5, faces: 9 }, retention: { images_days: 30 } });
    const json = {
      name: 'South',
      consent_required: true,
      retention: { unknown_faces_days: 7 },
      time_zone: 'Asia/Kathmandu',
    };

    const changed = await call('PUT', url, { json, as: key, headers: { 'if-match': '"1"' } });
    const late = await call('PUT', url, { json: { name: 'x' }, as: key, headers: { 'if-match': '"1"' } });

    expect(changed.json.data).toEqual({
      ...body.data.tenant,
      name: 'South',
      consent_required: true,
      retention: { images_days: 30, unknown_faces_days: 7 },
      time_zone: 'Asia/Kathmandu',
      updated_at: changed.json.data.updated_at,
      version: 2,
    });
    expect([changed.headers.get('etag'), late.status]).toEqual(['"2"', 412]);
    const read = await call('GET', url, { as: key });
    expect([read.json.data, read.headers.get('etag')]).toEqual([changed.json.data, '"2"']);
  });

  it('When a change is empty, then the response is 400 and lists the possible fields', async () => {
    const answer = await platform().call('PUT', `${tenants}/default`, { json: {} });

    expect([answer.status, answer.json.message]).toEqual([400, expect.stringContaining('quota')]);
  });

  it('When quotas are changed, then only an owner is allowed, and null removes a quota', async () => {
    const { call } = platform();
    const { url, key } = await newTenant({ quota: { persons: 5, faces: 9 } });

    const own = await call('PUT', url, { json: { quota: { persons: null } }, as: key });
    const owners = await call('PUT', url, { json: { quota: { persons: null, bytes: 1000 } } });

    expect([own.status, own.json.error.details]).toEqual([403, { scopes: ['tenants:manage'] }]);
    expect([owners.status, owners.json.data.quota]).toEqual([200, { persons: null, faces: 9, bytes: 1000 }]);
  });

  it('When a tenant reads or changes another tenant (existing or not), lists all or creates one, then the response is 403', async () => {
    const { call } = platform();
    const { key } = await newTenant();
    const { url } = await newTenant();

    const answers = [
      await call('GET', url, { as: key }),
      await call('GET', `${tenants}/nowhere`, { as: key }),
      await call('PUT', url, { json: { name: 'mine' }, as: key }),
      await call('GET', tenants, { as: key }),
      await call('POST', tenants, { json: { tenant: 'mine', name: 'Mine' }, as: key }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    expect(answers[0]?.json.error.details).toEqual(answers[1]?.json.error.details);
    expect((await call('GET', `${tenants}/nowhere`)).json.error.code).toBe('TENANT_NOT_FOUND');
    expect((await call('PUT', `${tenants}/nowhere`, { json: { name: 'x' } })).status).toBe(404);
  });
});

describe('lists of tenants', () => {
  it('When tenants are listed, then they come in pages, the oldest first', async () => {
    const { call } = await startPlatform(sightless, sightlessOptions);
    for (const tenant of ['one', 'two']) await call('POST', tenants, { json: { tenant, name: tenant } });

    const first = (await call('GET', `${tenants}?limit=2`)).json.data;
    const second = (await call('GET', `${tenants}?limit=2&page_token=${first.next_page_token}`)).json.data;

    const ids = [...first.tenants, ...second.tenants].map(({ tenant }) => tenant);
    expect(ids).toEqual(['default', 'one', 'two']);
    expect([first.has_more, second.has_more]).toEqual([true, false]);
  });
});
