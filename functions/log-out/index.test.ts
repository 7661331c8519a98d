import { describe, expect, it } from 'vitest';
import { newLogin, sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { sharedPlatform } from '../../shared/testing/platform.ts';

const logOut = '/api/v1/auth/logout';

describe('log-out', () => {
  const platform = sharedPlatform(sightless, sightlessOptions);

  it('When a user logs out, then both tokens of this login are invalid at once, and other logins continue', async () => {
    const { call } = platform();
    const { token, refreshToken } = await newLogin(platform());
    const other = await newLogin(platform());

    const answer = await call('POST', logOut, { as: token });

    expect([answer.status, answer.json.data]).toEqual([200, { ended: true }]);
    expect((await call('GET', '/api/v1/auth/me', { as: token })).status).toBe(401);
    const refreshed = await call('POST', '/api/v1/auth/refresh', { json: { refresh_token: refreshToken }, as: null });
    expect(refreshed.status).toBe(401);
    expect((await call('GET', '/api/v1/auth/me', { as: other.token })).status).toBe(200);
  });

  it('When a service key logs out, then the response is 403, and the key stays valid', async () => {
    const { call } = platform();

    const answer = await call('POST', logOut);

    expect([answer.status, answer.json.error.code]).toEqual([403, 'FORBIDDEN']);
    expect((await call('GET', '/api/v1/auth/me')).status).toBe(200);
  });
});
