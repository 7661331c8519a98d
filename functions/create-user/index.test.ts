import { describe, expect, it } from 'vitest';
import { goodPassword, logIn, newLogin, sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { sharedPlatform, startPlatform } from '../../shared/testing/platform.ts';

const users = '/api/v1/users';
const nobody = `${users}/00000000-0000-7000-8000-000000000000`;

describe('users', () => {
  const platform = sharedPlatform(sightless, sightlessOptions);
  const create = (fields: object, as?: string) =>
    platform().call('POST', users, {
      json: { username: `u-${crypto.randomUUID()}`, role: 'viewer', password: goodPassword, ...fields },
      ...(as === undefined ? {} : { as }),
    });

  it('When a user is created, then it can be read without its password, and it can log in', async () => {
    const { call } = platform();

    const answer = await create({ username: 'Ada.Lovelace@example.org', name: 'Ada Lovelace', role: 'operator' });

    expect(answer.status).toBe(201);
    const { data } = answer.json;
    expect(data).toEqual({
      user_id: data.user_id,
      username: 'ada.lovelace@example.org',
      name: 'Ada Lovelace',
      role: 'operator',
      disabled: false,
      ends_with_key: null,
      created_at: expect.stringMatching(/Z$/),
      updated_at: data.created_at,
      version: 1,
    });
    expect(answer.headers.get('location')).toBe(`${users}/${data.user_id}`);
    const read = await call('GET', `${users}/${data.user_id}`);
    expect([read.json.data, read.headers.get('etag')]).toEqual([data, '"1"']);
    expect((await logIn({ call }, { username: 'ada.lovelace@example.org' })).status).toBe(200);
  });

  it('When several requests create the same username at the same time, then exactly one user is created', async () => {
    const answers = await Promise.all(['race', 'RACE', 'Race', 'race'].map((username) => create({ username })));

    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.json.error.code).toBe('USER_EXISTS');
  });

  it.each([
    ['the username has a space', { username: 'a b' }, 'username'],
    ['the role is unknown', { role: 'king' }, 'role'],
    ['the password is short', { password: 'elf letters' }, 'password'],
    [
      'the password is the username',
      { username: 'a-name-like-a-password', password: 'A-name-like-a-password' },
      'password',
    ],
    ['the name is empty', { name: '' }, 'name'],
    ['a field is unknown', { is_admin: true }, 'is_admin'],
  ])('When %s, then the response is 400 and names the field', async (_, fields, field) => {
    const answer = await create(fields);

    expect([answer.status, answer.json.error.details[0].field]).toEqual([400, field]);
  });

  it('When a user is changed, then given fields are replaced, others stay, and If-Match detects a conflict', async () => {
    const { call } = platform();
    const { data } = (await create({ name: 'Ada' })).json;
    const url = `${users}/${data.user_id}`;

    const renamed = await call('PUT', url, { json: { name: 'Bea' }, headers: { 'if-match': '"1"' } });
    const late = await call('PUT', url, { json: { name: 'Cea' }, headers: { 'if-match': '"1"' } });

    expect(renamed.json.data).toEqual({ ...data, name: 'Bea', version: 2, updated_at: renamed.json.data.updated_at });
    expect(renamed.headers.get('etag')).toBe('"2"');
    expect([late.status, late.json.error.code]).toEqual([412, 'VERSION_CONFLICT']);
    expect((await call('GET', url)).json.data).toEqual(renamed.json.data);
  });

  it('When a change is empty, then the response is 400 and lists the possible fields', async () => {
    const { data } = (await create({})).json;

    const answer = await platform().call('PUT', `${users}/${data.user_id}`, { json: {} });

    expect([answer.status, answer.json.message]).toEqual([
      400,
      expect.stringContaining('name, role, disabled, password or confirmed'),
    ]);
  });

  it('When an admin sets a new password, then the old one and all logins are invalid', async () => {
    const { call } = platform();
    const { userId, username, token } = await newLogin(platform());

    const answer = await call('PUT', `${users}/${userId}`, { json: { password: 'four yellow bicycles' } });

    expect(answer.status).toBe(200);
    expect((await call('GET', '/api/v1/auth/me', { as: token })).status).toBe(401);
    expect((await logIn({ call }, { username })).status).toBe(401);
    expect((await logIn({ call }, { username, password: 'four yellow bicycles' })).status).toBe(200);
  });

  it('When a user is disabled, then all logins end at once, and the user can log in again after being enabled', async () => {
    const { call } = platform();
    const { userId, username, token } = await newLogin(platform());

    await call('PUT', `${users}/${userId}`, { json: { disabled: true } });

    expect((await call('GET', '/api/v1/auth/me', { as: token })).status).toBe(401);
    expect((await logIn({ call }, { username })).status).toBe(401);
    await call('PUT', `${users}/${userId}`, { json: { disabled: false } });
    expect((await logIn({ call }, { username })).status).toBe(200);
  });

  it('When a user is deleted, then the user and all logins are gone, and the username is free again', async () => {
    const { call } = platform();
    const { userId, username, token } = await newLogin(platform());
    const url = `${users}/${userId}`;

    const answer = await call('DELETE', url);

    expect([answer.status, answer.json.data]).toEqual([200, { user_id: userId }]);
    expect((await call('GET', url)).json.error.code).toBe('USER_NOT_FOUND');
    expect((await call('DELETE', url)).status).toBe(404);
    expect((await call('GET', '/api/v1/auth/me', { as: token })).status).toBe(401);
    expect((await create({ username })).status).toBe(201);
  });

  it('When the user does not exist or the id is malformed, then the response is 404 or 400', async () => {
    const { call } = platform();

    const answers = [
      await call('GET', nobody),
      await call('PUT', nobody, { json: { name: 'x' } }),
      await call('DELETE', nobody),
      await call('GET', `${users}/x`),
    ];

    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 400]);
  });

  it('When an admin gives a stronger role or changes a user with a stronger role, then the response is 403', async () => {
    const { call } = platform();
    const admin = await newLogin(platform(), { role: 'admin' });
    const owner = (await create({ role: 'owner' })).json.data;
    const viewer = (await create({ role: 'viewer' })).json.data;
    const put = (id: string, json: object) => call('PUT', `${users}/${id}`, { json, as: admin.token });

    const answers = [
      await create({ role: 'owner' }, admin.token),
      await put(viewer.user_id, { role: 'owner' }),
      await put(owner.user_id, { password: 'four yellow bicycles' }),
      await put(owner.user_id, { disabled: true }),
      await put(owner.user_id, { role: 'viewer' }),
      await call('DELETE', `${users}/${owner.user_id}`, { as: admin.token }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403]);
    expect(answers[0]?.json.error).toMatchObject({ code: 'FORBIDDEN', details: { scopes: ['tenants:manage'] } });
    expect((await call('GET', `${users}/${owner.user_id}`)).json.data).toEqual(owner);
    expect((await create({ role: 'admin' }, admin.token)).status).toBe(201);
    expect((await put(viewer.user_id, { role: 'admin' })).status).toBe(200);
  });

  it('When a user is promoted while an admin sets the password, then a guessed version does not help the admin', async () => {
    const { call } = platform();
    const scopes = ['faces:read', 'persons:read', 'images:read', 'users:manage'];
    const admin = (await call('POST', '/api/v1/api_keys', { json: { name: 'admin', scopes } })).json.data;
    const { user_id: userId } = (await create({ role: 'viewer' })).json.data;
    const url = `${users}/${userId}`;

    // Hashing takes some time. The promotion happens in this time.
    const taking = call('PUT', url, {
      json: { password: 'four yellow bicycles' },
      headers: { 'if-match': '"2"' },
      as: admin.key,
    });
    const promoted = await call('PUT', url, { json: { role: 'owner' } });
    const taken = await taking;

    expect(promoted.json.data.role).toBe('owner');
    expect(taken.json).toMatchObject({
      success: false,
      error: { code: expect.stringMatching(/VERSION_CONFLICT|FORBIDDEN/) },
    });
    expect((await call('GET', url)).json.data).toEqual(promoted.json.data);
  });

  it('When a key has the scope users:manage only, then it cannot give any role', async () => {
    const { call } = platform();
    const json = { name: 'hr', scopes: ['users:manage'] };
    const { key } = (await call('POST', '/api/v1/api_keys', { json })).json.data;

    expect((await create({ role: 'viewer' }, key)).status).toBe(403);
    expect((await call('GET', users, { as: key })).status).toBe(200);
  });

  it('When an admin sets their own password without the old one, then the response is 403 and names the right path', async () => {
    const { call } = platform();
    const { userId, token } = await newLogin(platform(), { role: 'admin' });

    const answer = await call('PUT', `${users}/${userId}`, { json: { password: 'four yellow bicycles' }, as: token });

    expect([answer.status, answer.json.message]).toEqual([403, expect.stringContaining('/api/v1/auth/password')]);
  });

  it('When the last admin deletes their own user, then the admin key still works', async () => {
    const { call } = platform();
    const { userId, token } = await newLogin(platform(), { role: 'admin' });

    const answer = await call('DELETE', `${users}/${userId}`, { as: token });

    expect(answer.status).toBe(200);
    expect((await call('GET', users)).status).toBe(200);
  });
});

describe('lists of users', () => {
  it('When users are listed, then they come in pages, the oldest first, and only users of the tenant', async () => {
    const platform = await startPlatform(sightless, sightlessOptions);
    const { call } = platform;
    const north = (await call('POST', '/api/v1/tenants', { json: { tenant: 'north', name: 'North' } })).json.data;
    const create = async (as: string | null, username: string) => {
      const json = { username, role: 'viewer', password: goodPassword };
      return (await call('POST', users, { json, as })).json.data.user_id;
    };
    const ids = [];
    for (const name of ['a', 'b', 'c']) ids.push(await create(platform.adminKey, name));
    const elsewhere = await create(north.api_key.key, 'a');

    const first = (await call('GET', `${users}?limit=2`)).json.data;
    const second = (await call('GET', `${users}?limit=2&page_token=${first.next_page_token}`)).json.data;

    expect([...first.users, ...second.users].map(({ user_id }) => user_id)).toEqual(ids);
    expect([first.has_more, second.has_more, second.next_page_token]).toEqual([true, false, null]);
    const foreign = await call('GET', `${users}?page_token=${first.next_page_token}`, { as: north.api_key.key });
    expect(foreign.json.error.code).toBe('PAGE_TOKEN_INVALID');
    expect((await call('GET', `${users}/${elsewhere}`)).status).toBe(404);
    expect((await call('DELETE', `${users}/${elsewhere}`)).status).toBe(404);
  });
});
