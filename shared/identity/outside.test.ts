import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import listPersons from '../../functions/list-persons/index.ts';
import { startPlatform } from '../testing/platform.ts';

/** A company's OpenID Connect issuer on loopback, with a discovery document and keys. */
describe('users of an outside issuer', () => {
  let server: Server;
  let issuer: string;
  let sign: (claims: JWTPayload, times?: { expires?: string }) => Promise<string>;

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
    const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'company-1', alg: 'RS256' }] });
    server = createServer((request, response) => {
      const discovery = JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` });
      response.setHeader('content-type', 'application/json');
      response.end(request.url === '/keys' ? keys : discovery);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    sign = (claims, { expires = '5m' } = {}) =>
      new SignJWT({ sub: 'mia', preferred_username: 'mia@example.org', aud: 'freeface', iss: issuer, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'company-1' })
        .setIssuedAt()
        .setExpirationTime(expires)
        .sign(privateKey);
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const start = (settings: Record<string, string> = {}) =>
    startPlatform([listPersons], {
      settings: { FREEFACE_OIDC_ISSUER: issuer, FREEFACE_OIDC_AUDIENCE: 'freeface', ...settings },
    });

  it('When a token contains a role of the platform, then its user has the scopes of that role', async () => {
    const platform = await start();
    const token = await sign({ roles: ['staff', 'viewer'] });

    const answer = await platform.call('GET', '/api/v1/persons', { as: token });

    expect(answer.status).toBe(200);
    expect(platform.logs).toContainEqual(expect.objectContaining({ msg: 'answered', actor: 'outside:mia' }));
  });

  it('When the role claim is nested and its values are mapped, then the role is found', async () => {
    const platform = await start({
      FREEFACE_OIDC_ROLE_CLAIM: 'realm_access.roles',
      FREEFACE_OIDC_ROLES: 'face-team=operator',
    });
    const token = await sign({ realm_access: { roles: ['face-team'] } });

    const answer = await platform.call('GET', '/api/v1/persons', { as: token });

    expect(answer.status).toBe(200);
  });

  it('When a tenant claim is configured, then the token selects the tenant', async () => {
    const platform = await start({ FREEFACE_OIDC_TENANT_CLAIM: 'org' });
    const tokens = await Promise.all(
      [{ org: 'north' }, { org: 'No such form' }, {}].map((c) => sign({ roles: 'viewer', ...c })),
    );

    const answers = await Promise.all(tokens.map((as) => platform.call('GET', '/api/v1/persons', { as })));

    expect(answers.map(({ status }) => status)).toEqual([200, 403, 403]);
    expect(platform.logs).toContainEqual(expect.objectContaining({ msg: 'answered', tenant: 'north' }));
  });

  it.each([
    ['has no role of the platform', { roles: ['staff'] }, 403],
    ['claims the role owner', { roles: ['owner'] }, 403],
    ['is meant for another service', { roles: ['viewer'], aud: 'payroll' }, 401],
    ['comes from another issuer', { roles: ['viewer'], iss: 'http://127.0.0.1:1' }, 401],
  ])('When a token %s, then it is refused', async (_, claims, status) => {
    const platform = await start();
    const token = await sign(claims);

    const answer = await platform.call('GET', '/api/v1/persons', { as: token });

    expect(answer.status).toBe(status);
  });

  it('When a token has expired, then the response says so', async () => {
    const platform = await start();
    const token = await sign({ roles: ['viewer'] }, { expires: '-1m' });

    const answer = await platform.call('GET', '/api/v1/persons', { as: token });

    expect(answer.status).toBe(401);
    expect(answer.json.message).toBe('The token has expired.');
  });

  it('When a token is signed by another key, then it is refused', async () => {
    const platform = await start();
    const { privateKey } = await generateKeyPair('RS256');
    const token = await new SignJWT({ sub: 'mia', aud: 'freeface', iss: issuer, roles: ['admin'] })
      .setProtectedHeader({ alg: 'RS256', kid: 'company-1' })
      .setExpirationTime('5m')
      .sign(privateKey);

    const answer = await platform.call('GET', '/api/v1/persons', { as: token });

    expect(answer.status).toBe(401);
  });

  it('When no outside issuer is configured, then its tokens are refused', async () => {
    const platform = await startPlatform([listPersons]);
    const token = await sign({ roles: ['admin'] });

    const answer = await platform.call('GET', '/api/v1/persons', { as: token });

    expect(answer.status).toBe(401);
  });
});
