import { describe, expect, it } from 'vitest';
import { fakeClock } from '../../shared/testing/fake-clock.ts';
import { newLogin, sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { sharedPlatform, startPlatform, type TestPlatform } from '../../shared/testing/platform.ts';

const me = '/api/v1/auth/me';
const day = 24 * 60 * 60_000;

const refresh = ({ call }: TestPlatform, token: string) =>
  call('POST', '/api/v1/auth/refresh', { json: { refresh_token: token }, as: null });

describe('refresh-session', () => {
  const platform = sharedPlatform(sightless, sightlessOptions);

  it('When a refresh token is used, then the response has new tokens and the login continues', async () => {
    const { call } = platform();
    const login = await newLogin(platform());

    const answer = await refresh(platform(), login.refreshToken);

    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { access_token, refresh_token, user } = answer.json.data;
    expect(user.user_id).toBe(login.userId);
    expect(refresh_token).not.toBe(login.refreshToken);
    expect((await call('GET', me, { as: access_token })).status).toBe(200);
    expect((await call('GET', me, { as: login.token })).status).toBe(200);
    expect((await refresh(platform(), refresh_token)).status).toBe(200);
  });

  it('When an old refresh token is used again, then all tokens of the login are invalid', async () => {
    const { call } = platform();
    const stolen = await newLogin(platform());
    const { access_token, refresh_token } = (await refresh(platform(), stolen.refreshToken)).json.data;

    const again = await refresh(platform(), stolen.refreshToken);

    expect([again.status, again.json.error.code]).toEqual([401, 'UNAUTHENTICATED']);
    expect((await refresh(platform(), refresh_token)).status).toBe(401);
    for (const token of [stolen.token, access_token]) expect((await call('GET', me, { as: token })).status).toBe(401);
  });

  it('When one refresh token is used several times at once, then at most one request gets tokens, and they become invalid', async () => {
    const login = await newLogin(platform());

    const answers = await Promise.all(Array.from({ length: 6 }, () => refresh(platform(), login.refreshToken)));

    const [winner, ...others] = answers.filter(({ status }) => status === 200);
    expect(others).toEqual([]);
    expect((await refresh(platform(), winner?.json.data.refresh_token ?? 'none')).status).toBe(401);
  });

  it('When the user is disabled, demoted or deleted, then the tokens are invalid', async () => {
    const { call } = platform();
    const changes = [
      (id: string) => call('PUT', `/api/v1/users/${id}`, { json: { disabled: true } }),
      (id: string) => call('PUT', `/api/v1/users/${id}`, { json: { role: 'viewer' } }),
      (id: string) => call('DELETE', `/api/v1/users/${id}`),
    ];

    for (const change of changes) {
      const login = await newLogin(platform());
      expect((await change(login.userId)).status).toBe(200);
      expect((await refresh(platform(), login.refreshToken)).status).toBe(401);
      expect((await call('GET', me, { as: login.token })).status).toBe(401);
    }
  });

  it.each(['x', 'ffr.default.x.y', `ffr.default.${'0'.repeat(8)}-0000-7000-8000-${'0'.repeat(12)}.${'a'.repeat(43)}`])(
    'When the token is %s, then the response is 401',
    async (token) => {
      const answer = await refresh(platform(), token);

      expect([answer.status, answer.json.error.code]).toEqual([401, 'UNAUTHENTICATED']);
    },
  );
});

describe('refresh-session, over time', () => {
  /** Without the scheduled functions: months of their runs would take long. */
  const answering = sightless.filter(({ manifest }) => manifest.trigger.kind === 'http');

  it('When a login is not used for 14 days, then it ends', async () => {
    const clock = fakeClock();
    const platform = await startPlatform(answering, { ...sightlessOptions, clock });
    const used = await newLogin(platform);
    const unused = await newLogin(platform);
    await clock.advance(13 * day);
    const { refresh_token } = (await refresh(platform, used.refreshToken)).json.data;

    await clock.advance(day);

    expect((await refresh(platform, unused.refreshToken)).status).toBe(401);
    expect((await refresh(platform, refresh_token)).status).toBe(200);
  });

  it('When a login is used for 90 days, then it ends, and the last refresh announced this time', async () => {
    const clock = fakeClock();
    const platform = await startPlatform(answering, { ...sightlessOptions, clock });
    let { refreshToken } = await newLogin(platform);
    let left = 0;
    for (let passed = 10; passed < 90; passed += 10) {
      await clock.advance(10 * day);
      const { data } = (await refresh(platform, refreshToken)).json;
      refreshToken = data.refresh_token;
      left = data.refresh_expires_in;
    }

    await clock.advance(10 * day);

    expect(left).toBe((10 * day) / 1000);
    expect((await refresh(platform, refreshToken)).status).toBe(401);
  });
});
