import { describe, expect, it } from 'vitest';
import { scopes, scopesOfRole } from '../../shared/domain/access.ts';
import { newLogin, sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { sharedPlatform } from '../../shared/testing/platform.ts';

const me = '/api/v1/auth/me';

describe('get-identity', () => {
  const platform = sharedPlatform(sightless, sightlessOptions);

  it('When a user asks, then the response has the user, the role, the scopes and the expiry', async () => {
    const { userId, username, token } = await newLogin(platform(), { role: 'viewer' });

    const { data } = (await platform().call('GET', me, { as: token })).json;

    expect(data).toEqual({
      kind: 'user',
      id: userId,
      name: username,
      username,
      tenant: 'default',
      role: 'viewer',
      scopes: scopesOfRole.viewer,
      expires_at: expect.stringMatching(/Z$/),
    });
  });

  it('When the admin key asks, then it has all scopes and no expiry', async () => {
    const { data } = (await platform().call('GET', me)).json;

    expect(data).toMatchObject({ kind: 'key', username: null, role: null, scopes, expires_at: null });
  });

  it('When a key asks, then the response has its own scopes and its expiry', async () => {
    const { call } = platform();
    const json = { name: 'door', scopes: ['persons:read'], expires_at: '2035-01-01T00:00:00+01:00' };
    const { key, key_id } = (await call('POST', '/api/v1/api_keys', { json })).json.data;

    const { data } = (await call('GET', me, { as: null, headers: { 'x-api-key': key } })).json;

    expect(data).toMatchObject({ id: key_id, name: 'door', scopes: ['persons:read'] });
    expect(data.expires_at).toBe('2034-12-31T23:00:00.000Z');
  });
});
