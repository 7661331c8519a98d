import { describe, expect, it } from 'vitest';
import { asTenant } from '../../shared/ports/tenant.ts';
import { fakeClock } from '../../shared/testing/fake-clock.ts';
import { goodPassword, logIn, newLogin, sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { startPlatform } from '../../shared/testing/platform.ts';

const day = 24 * 60 * 60_000;
const me = '/api/v1/auth/me';

async function setUp() {
  const clock = fakeClock();
  const answering = sightless.filter(({ manifest }) => manifest.trigger.kind === 'http');
  const platform = await startPlatform(answering, { ...sightlessOptions, clock });
  const { call } = platform;
  const newKey = async (fields: object, as?: string): Promise<{ key: string; key_id: string }> => {
    const json = { name: 'k', scopes: ['users:manage', 'persons:read', 'faces:read', 'images:read'], ...fields };
    const answer = await call('POST', '/api/v1/api_keys', { json, ...(as === undefined ? {} : { as }) });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.json));
    return answer.json.data;
  };
  const status = async (as: string) => (await call('GET', me, { as })).status;
  const everything = { scopes: [...(await call('GET', me)).json.data.scopes] };
  return { ...platform, clock, newKey, status, everything };
}

describe('what a key has created', () => {
  it('When a key is revoked, then the keys that it created end at once, through every generation, and no others', async () => {
    const { call, newKey, status } = await setUp();
    const parent = await newKey({});
    const child = await newKey({}, parent.key);
    const grandchild = await newKey({}, child.key);
    const sibling = await newKey({});

    await call('DELETE', `/api/v1/api_keys/${parent.key_id}`);

    expect(await Promise.all([parent, child, grandchild].map(({ key }) => status(key)))).toEqual([401, 401, 401]);
    expect(await status(sibling.key)).toBe(200);
  });

  it('When a key expires, then what a user whom it created has created ends too, even after this user was deleted', async () => {
    const platform = await setUp();
    const { call, clock, newKey, status, everything } = platform;
    const lent = await newKey({ ...everything, expires_in_days: 1 });
    const user = await newLogin(platform, { role: 'admin', by: lent.key });
    const second = await newLogin(platform, { role: 'admin', by: user.token });
    const made = await newKey({ expires_in_days: 300 }, second.token).catch((error) => error);
    const laundered = await newKey({}, second.token);
    await call('DELETE', `/api/v1/users/${second.userId}`, { as: lent.key });
    expect(made).toBeInstanceOf(Error);
    expect(await status(laundered.key)).toBe(200);

    await clock.advance(day);

    expect(await status(laundered.key)).toBe(401);
    expect(await status(user.token)).toBe(401);
  });

  it.each(['expires', 'is revoked'])(
    'When the key of a user %s, then the user cannot log in or refresh, and its open sessions end',
    async (how) => {
      const platform = await setUp();
      const { call, clock, newKey, status, everything } = platform;
      const lent = await newKey({ ...everything, expires_in_days: 1 });
      const user = await newLogin(platform, { role: 'viewer', by: lent.key });
      const other = await newLogin(platform, { role: 'viewer' });
      expect((await call('GET', `/api/v1/users/${user.userId}`)).json.data.ends_with_key).toBe(lent.key_id);

      if (how === 'expires') await clock.advance(day);
      else await call('DELETE', `/api/v1/api_keys/${lent.key_id}`);

      const refresh = { json: { refresh_token: user.refreshToken }, as: null };
      expect((await call('POST', '/api/v1/auth/refresh', refresh)).status).toBe(401);
      expect((await logIn({ call }, { username: user.username })).json.error.code).toBe('LOGIN_FAILED');
      expect(await status(user.token)).toBe(401);
      expect((await logIn({ call }, { username: other.username })).status).toBe(200);
    },
  );

  it('When an owner confirms a user, then the user stays; an admin, the key itself and its users cannot confirm', async () => {
    const platform = await setUp();
    const { call, clock, newKey, everything } = platform;
    const lent = await newKey({ ...everything, expires_in_days: 1 });
    const user = await newLogin(platform, { role: 'viewer', by: lent.key });
    const admin = await newLogin(platform, { role: 'admin' });
    const ownOwner = await newLogin(platform, { role: 'owner', by: lent.key });
    const confirm = (as?: string) =>
      call('PUT', `/api/v1/users/${user.userId}`, { json: { confirmed: true }, ...(as === undefined ? {} : { as }) });

    const refused = [await confirm(lent.key), await confirm(admin.token), await confirm(ownOwner.token)];
    const confirmed = await confirm();
    await clock.advance(day);

    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect([confirmed.status, confirmed.json.data.ends_with_key]).toEqual([200, null]);
    expect((await logIn({ call }, { username: user.username })).status).toBe(200);
  });

  it('When a key that expires sets the password of a user that stays, then the response is 403', async () => {
    const platform = await setUp();
    const { call, newKey, everything } = platform;
    const lent = await newKey({ ...everything, expires_in_days: 1 });
    const stays = await newLogin(platform, { role: 'viewer' });
    const ends = await newLogin(platform, { role: 'viewer', by: lent.key });
    const json = { password: `${goodPassword} again` };

    const answers = [
      await call('PUT', `/api/v1/users/${stays.userId}`, { json, as: lent.key }),
      await call('PUT', `/api/v1/users/${ends.userId}`, { json, as: lent.key }),
      await call('PUT', `/api/v1/users/${stays.userId}`, { json }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([403, 200, 200]);
  });

  it('When a key creates a tenant, then the first key of the tenant stays after that key is revoked', async () => {
    const { call, newKey, everything, status } = await setUp();
    const lent = await newKey(everything);
    const created = await call('POST', '/api/v1/tenants', { json: { tenant: 'north', name: 'North' }, as: lent.key });

    await call('DELETE', `/api/v1/api_keys/${lent.key_id}`);

    expect(await status(created.json.data.api_key.key)).toBe(200);
  });

  it('When an earlier version stored a key without the key that it ends with, then its creator counts', async () => {
    const { call, newKey, ports, status } = await setUp();
    const parent = await newKey({});
    const child = await newKey({}, parent.key);
    const stored = (await ports.accounts.getApiKey(asTenant('default'), child.key_id))!;
    const [, , , secret] = child.key.split('.');
    await ports.accounts.createApiKey(asTenant('default'), { ...stored, keyId: 'aaaaaaaaaaaa', endsWith: null });

    expect(await status(`ffk.default.aaaaaaaaaaaa.${secret}`)).toBe(200);
    await call('DELETE', `/api/v1/api_keys/${parent.key_id}`);

    expect(await status(`ffk.default.aaaaaaaaaaaa.${secret}`)).toBe(401);
  });

  it('When keys create keys again and again, then the chain is limited', async () => {
    const { call, newKey } = await setUp();
    let last = (await newKey({})).key;
    let answer: { status: number } = { status: 201 };
    for (let i = 0; i < 20 && answer.status === 201; i++) {
      const made = await call('POST', '/api/v1/api_keys', { json: { name: 'k', scopes: ['users:manage'] }, as: last });
      answer = made;
      if (made.status === 201) last = made.json.data.key;
    }

    expect(answer.status).toBe(403);
  });
});
