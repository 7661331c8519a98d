import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { fakeClock } from '../../shared/testing/fake-clock.ts';
import { goodPassword, logIn, newLogin, sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { type Answer, sharedPlatform, startPlatform } from '../../shared/testing/platform.ts';

const me = '/api/v1/auth/me';

describe('log-in', () => {
  const platform = sharedPlatform(sightless, sightlessOptions);

  it('When the password is right, then the access token has the scopes of the role', async () => {
    const { call } = platform();
    const { userId, username } = await newLogin(platform(), { role: 'viewer' });

    const answer = await logIn({ call }, { username: username.toUpperCase() });

    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { data } = answer.json;
    expect(data).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 600,
      refresh_token: expect.stringMatching(/^ffr\.default\./),
      refresh_expires_in: expect.closeTo(14 * 24 * 3600, -1),
      user: { user_id: userId, username, name: username, role: 'viewer', tenant: 'default' },
    });
    expect((await call('GET', '/api/v1/persons', { as: data.access_token })).status).toBe(200);
    expect((await call('POST', '/api/v1/persons', { json: {}, as: data.access_token })).status).toBe(403);
    expect((await call('GET', me, { as: data.refresh_token })).status).toBe(401);
  });

  it('When a token is decoded, then it has only public claims and expires soon', async () => {
    const { token, userId, username } = await newLogin(platform());

    const claims = decodeJwt(token);

    expect(claims).toMatchObject({ sub: userId, name: username, role: 'operator', tenant: 'default' });
    expect(claims.exp! - claims.iat!).toBe(600);
  });

  it('When any part of the login is wrong, then the response is the same', async () => {
    const { call } = platform();
    const { username } = await newLogin(platform());
    const disabled = await newLogin(platform());
    await call('PUT', `/api/v1/users/${disabled.userId}`, { json: { disabled: true } });

    const answers = [
      await logIn({ call }, { username, password: 'four purple umbrellas' }),
      await logIn({ call }, { username: 'nobody' }),
      await logIn({ call }, { username, tenant: 'nowhere' }),
      await logIn({ call }, { username: disabled.username }),
    ];

    const responses = answers.map(({ status, json: { error, ...rest } }) => ({ status, code: error.code, ...rest }));
    expect(responses[0]).toMatchObject({ status: 401, code: 'LOGIN_FAILED', success: false });
    expect(responses).toEqual(responses.map(() => responses[0]));
  });

  it.each([
    ['the password is missing', { username: 'ada' }, 'password'],
    ['the password is not a text', { username: 'ada', password: 5 }, 'password'],
    ['the password is too long', { username: 'ada', password: 'x'.repeat(257) }, 'password'],
    ['the tenant id has an invalid form', { username: 'ada', password: 'x', tenant: 'No!' }, 'tenant'],
    ['a field is unknown', { username: 'ada', password: 'x', admin: true }, 'admin'],
  ])('When %s, then the response is 400 and names the field', async (_, json, field) => {
    const answer = await platform().call('POST', '/api/v1/auth/login', { json, as: null });

    expect([answer.status, answer.json.error.details[0].field]).toEqual([400, field]);
    expect(JSON.stringify(answer.json)).not.toContain('xxxx');
  });
});

describe('repeated log-in', () => {
  it('When passwords are wrong, then the account is locked for a growing time, even if it does not exist', async () => {
    const clock = fakeClock();
    const platform = await startPlatform(sightless, { ...sightlessOptions, clock });
    const { username } = await newLogin(platform);

    let longestMs = 0;
    for (const name of [username, 'nobody']) {
      const answers: Answer[] = [];
      // Dragonfly uses the real clock: a lock may end before the next attempt, and the next lock is twice as long.
      do answers.push(await logIn(platform, { username: name, password: 'wrong, all wrong' }));
      while (answers.at(-1)!.status === 401 && answers.length < 15);
      const locked = answers.at(-1)!;
      const seconds = 2 ** (answers.length - 6);
      expect([locked.status, locked.json.error.code]).toEqual([429, 'LOGIN_LOCKED']);
      expect(Number(locked.headers.get('retry-after'))).toBe(seconds);
      longestMs = Math.max(longestMs, 1000 * seconds);
    }

    await clock.advance(longestMs);
    await expect.poll(async () => (await logIn(platform, { username })).status, { timeout: 20_000 }).toBe(200);
  });

  it('When one address tries many names, then the rate limit of the address rejects it', async () => {
    const settings = { FREEFACE_RATE_LIMIT_LOGIN: '3' };
    // The limit counts attempts per minute. With a fake clock, all attempts are in the same minute.
    const platform = await startPlatform(sightless, { ...sightlessOptions, settings, clock: fakeClock() });

    const answers = [];
    for (const username of ['a', 'b', 'c', 'd']) answers.push(await logIn(platform, { username }));

    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 429]);
    expect(answers[3]?.json.error.code).toBe('RATE_LIMITED');
  });

  it('When logins, keys and mistakes have been logged, then the log has none of their secrets', async () => {
    const platform = await startPlatform(sightless, sightlessOptions);
    const { call, logs } = platform;
    const { username, token, refreshToken } = await newLogin(platform, { role: 'admin' });
    const wrong = 'a password typed wrong';
    await logIn(platform, { username, password: wrong });
    await logIn(platform, { username: 'my pass-phrase in the wrong field' });
    await call('POST', '/api/v1/auth/login', { body: `{"password":"${wrong}`, as: null });
    const json = { old_password: goodPassword, new_password: 'four yellow bicycles' };
    await call('POST', '/api/v1/auth/password', { json, as: token });
    const refreshed = await call('POST', '/api/v1/auth/refresh', { json: { refresh_token: refreshToken }, as: null });
    await call('POST', '/api/v1/auth/refresh', { json: { refresh_token: `${refreshToken}x` }, as: null });
    const made = await call('POST', '/api/v1/api_keys', { json: { name: 'door', scopes: ['faces:read'] } });
    await call('GET', me, { headers: { 'x-api-key': made.json.data.key }, as: null });
    await call('GET', me, { as: `${token}x` });
    platform.context.log.info({ password: wrong, user: { refresh_token: refreshToken } }, 'a mistake in our code');

    const text = JSON.stringify(logs);

    const secrets = [
      goodPassword,
      wrong,
      'my pass-phrase',
      json.new_password,
      secretOf(token),
      secretOf(refreshToken),
      secretOf(refreshed.json.data.access_token),
      secretOf(refreshed.json.data.refresh_token),
      secretOf(made.json.data.key),
      secretOf(platform.adminKey!),
    ];
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    expect(text).toContain('a mistake in our code');
  });
});

/** The secret part of a token or key. */
const secretOf = (token: string): string => token.split('.').at(-1)!;
