import { expect, it } from 'vitest';
import { goodPassword } from '../logins.ts';
import { type Api, unknownId } from './api.ts';

export function accountCases(api: () => Api): void {
  it('When a user is created, then they can log in, refresh, change the password and log out, and old tokens are refused', async () => {
    const { call, tenant } = api();
    const username = 'grace';
    const logIn = (password: string) =>
      call('POST', '/api/v1/auth/login', { as: null, json: { tenant, username, password } });
    const refresh = (refresh_token: string) =>
      call('POST', '/api/v1/auth/refresh', { as: null, json: { refresh_token } });
    const me = (as: string) => call('GET', '/api/v1/auth/me', { as });

    const user = await call('POST', '/api/v1/users', { json: { username, role: 'operator', password: goodPassword } });
    const twice = await call('POST', '/api/v1/users', { json: { username, role: 'viewer', password: goodPassword } });
    const wrong = await logIn('three purple umbrella');
    const login = (await logIn(goodPassword)).json.data;
    const self = await me(login.access_token);
    const fresh = (await refresh(login.refresh_token)).json.data;
    const newPassword = 'four yellow bicycles';
    const changed = await call('POST', '/api/v1/auth/password', {
      as: fresh.access_token,
      json: { old_password: goodPassword, new_password: newPassword },
    });
    const before = await logIn(goodPassword);
    const second = (await logIn(newPassword)).json.data;
    const ended = await call('POST', '/api/v1/auth/logout', { as: second.access_token });

    expect([user.status, twice.status, twice.json.error.code]).toEqual([201, 409, 'USER_EXISTS']);
    expect(user.headers.get('location')).toBe(`/api/v1/users/${user.json.data.user_id}`);
    expect([wrong.status, wrong.json.error.code]).toEqual([401, 'LOGIN_FAILED']);
    expect(self.json.data).toMatchObject({ kind: 'user', username, tenant, role: 'operator' });
    expect(self.json.data.scopes).not.toContain('users:manage');
    expect([changed.status, before.status, ended.json.data]).toEqual([200, 401, { ended: true }]);
    expect([(await me(second.access_token)).status, (await refresh(second.refresh_token)).status]).toEqual([401, 401]);
  });

  it('When users are listed, changed and deleted, then each change applies to the next request', async () => {
    const { call, tenant } = api();
    const json = { username: 'heidi', role: 'admin', password: goodPassword };
    const created = await call('POST', '/api/v1/users', { json });
    const path = `/api/v1/users/${created.json.data.user_id}`;
    const login = await call('POST', '/api/v1/auth/login', {
      as: null,
      json: { tenant, username: 'heidi', password: goodPassword },
    });
    const as: string = login.json.data.access_token;

    const seen = await call('GET', path, { as });
    const listed = await call('GET', '/api/v1/users?limit=500', { as });
    const tag = seen.headers.get('etag')!;
    const demoted = await call('PUT', path, { json: { role: 'viewer' }, headers: { 'if-match': tag } });
    const stale = await call('PUT', path, { json: { role: 'admin' }, headers: { 'if-match': tag } });
    const afterwards = await call('GET', path, { as });
    const deleted = await call('DELETE', path);

    expect([seen.json.data.role, demoted.json.data.role]).toEqual(['admin', 'viewer']);
    expect(listed.json.data.users.map(({ username }: { username: string }) => username)).toContain('heidi');
    expect([stale.status, stale.json.error.code]).toEqual([412, 'VERSION_CONFLICT']);
    expect([afterwards.status, deleted.status]).toEqual([401, 200]);
    expect((await call('GET', path)).json.error.code).toBe('USER_NOT_FOUND');
    expect((await call('DELETE', `/api/v1/users/${unknownId}`)).status).toBe(404);
  });

  it('When a key is created, then it works within its scopes until it is revoked', async () => {
    const { call } = api();
    const json = { name: 'front door', scopes: ['faces:read'], expires_in_days: 1 };

    const made = await call('POST', '/api/v1/api_keys', { json });
    const { key, key_id } = made.json.data;
    const ask = async () => (await call('GET', `/api/v1/faces/${unknownId}`, { as: key })).status;
    const whileValid = await ask();
    const revoked = await call('DELETE', `/api/v1/api_keys/${key_id}`);
    const listed = await call('GET', '/api/v1/api_keys?limit=500');

    expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store']);
    expect([whileValid, revoked.status, await ask()]).toEqual([404, 200, 401]);
    const kept = listed.json.data.api_keys.find((each: { key_id: string }) => each.key_id === key_id);
    expect(kept).toMatchObject({ name: 'front door', scopes: ['faces:read'], revoked_at: expect.any(String) });
    expect(JSON.stringify(listed.json)).not.toContain(key);
  });

  it('When a tenant is read and changed, then its own key may do so, only the owner may set the quota, and the quota is enforced', async () => {
    const { call, tenant, adminKey } = api();
    const path = `/api/v1/tenants/${tenant}`;
    const change = (json: object, as = adminKey) => call('PUT', path, { as, json });

    const seen = await call('GET', path);
    const others = await call('GET', '/api/v1/tenants/default');
    const listed = await call('GET', '/api/v1/tenants?limit=500', { as: adminKey });
    const ownQuota = await call('PUT', path, { json: { quota: { persons: 1_000_000 } } });
    const renamed = await call('PUT', path, { json: { name: 'From end to end', retention: { images_days: 90 } } });
    const { persons } = (await call('GET', '/api/v1/metrics')).json.data.gallery;
    await change({ quota: { persons } });
    const full = await call('POST', '/api/v1/persons', { json: { name: 'One too many' } });
    const open = await change({ quota: { persons: null } });

    expect([seen.json.data.name, others.status]).toEqual(['End to end', 403]);
    expect(listed.json.data.tenants.map((each: { tenant: string }) => each.tenant)).toContain(tenant);
    expect([ownQuota.status, renamed.json.data.name]).toEqual([403, 'From end to end']);
    expect([full.status, full.json.error.code]).toEqual([403, 'QUOTA_EXCEEDED']);
    expect(open.json.data).toMatchObject({ quota: { persons: null }, retention: { images_days: 90 } });
  });
}
