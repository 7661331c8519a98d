import { generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import createUser from '../../functions/create-user/index.ts';
import listPersons from '../../functions/list-persons/index.ts';
import { readConfig } from '../config.ts';
import { asTenant } from '../ports/tenant.ts';
import { startPlatform, type TestPlatform } from '../testing/platform.ts';

/** A company's OpenID Connect issuer on loopback, with a discovery document and keys. */
describe('users of an outside issuer', () => {
  let server: Server;
  let issuer: string;
  const weakKeys = [1024, 2047].map((bits) => ({ bits, ...generateKeyPairSync('rsa', { modulusLength: bits }) }));
  let sign: (claims: JWTPayload, times?: { expires?: string | null }) => Promise<string>;

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
    const keys: JWK[] = [
      { ...(await exportJWK(publicKey)), kid: 'company-1', alg: 'RS256' },
      ...weakKeys.map((key) => ({ ...(key.publicKey.export({ format: 'jwk' }) as JWK), kid: `weak-${key.bits}` })),
    ];
    server = createServer((request, response) => {
      const discovery = JSON.stringify(
        request.url!.startsWith('/unsafe')
          ? { issuer: `${issuer}/unsafe`, jwks_uri: 'http://keys.example.org/keys' }
          : { issuer, jwks_uri: `${issuer}/keys` },
      );
      const broken: Record<string, string> = { '/down': '', '/not-json': '<html>', '/no-keys': '{"keys":7}' };
      response.setHeader('content-type', 'application/json');
      response.statusCode = request.url === '/down' ? 500 : 200;
      response.end(broken[request.url!] ?? (request.url === '/keys' ? JSON.stringify({ keys }) : discovery));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    sign = (claims, { expires = '5m' } = {}) => {
      const usual = { sub: 'mia', preferred_username: 'mia@example.org', aud: 'freeface', iss: issuer };
      const token = new SignJWT({ ...usual, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'company-1' })
        .setIssuedAt();
      if (expires !== null) token.setExpirationTime(expires);
      return token.sign(privateKey);
    };
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const start = (settings: Record<string, string> = {}) =>
    startPlatform([listPersons, createUser], {
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
    await createTenant(platform, 'north');
    const tokens = await Promise.all(
      [{ org: 'north' }, { org: 'No such form' }, {}].map((c) => sign({ roles: 'viewer', ...c })),
    );

    const answers = await Promise.all(tokens.map((as) => platform.call('GET', '/api/v1/persons', { as })));

    expect(answers.map(({ status }) => status)).toEqual([200, 403, 403]);
    expect(platform.logs).toContainEqual(expect.objectContaining({ msg: 'answered', tenant: 'north' }));
  });

  it.each(['admin', 'viewer'])(
    'When the tenant of a token with the role %s does not exist, then it is refused with 403 and no tenant appears',
    async (role) => {
      const platform = await start({ FREEFACE_OIDC_TENANT_CLAIM: 'org' });
      const ghosts = ['ghost', 'constructor', '__proto__', 'north2', ['default'], { toString: 'x' }, 7];
      const tokens = await Promise.all(ghosts.map((org) => sign({ roles: [role], org })));

      const answers = [];
      for (const as of tokens)
        answers.push(
          await platform.call('POST', '/api/v1/users', {
            as,
            json: { username: 'eve', role, password: 'three purple umbrellas' },
          }),
        );

      expect(answers.map(({ status }) => status)).toEqual(ghosts.map(() => 403));
      const { items } = await platform.ports.accounts.listTenants({ limit: 10 });
      expect(items.map(({ tenant }) => tenant)).toEqual(['default']);
      expect(await platform.ports.accounts.listUsers(asTenant('ghost'), { limit: 10 })).toMatchObject({ items: [] });
    },
  );

  it.each<[string, JWTPayload, number]>([
    ['has an empty sub', { sub: '' }, 401],
    ['has a blank sub', { sub: '  ' }, 401],
    ['has a line break in sub', { sub: 'mia\n{"actor":"root"}' }, 401],
    ['has a NUL in sub', { sub: 'mia\0' }, 401],
    ['has a direction mark in sub', { sub: 'mia\u202e' }, 401],
    ['has half a surrogate pair in sub', { sub: 'mia\ud800' }, 401],
    ['has a sub of 256 characters', { sub: 'm'.repeat(256) }, 401],
    ['has a number as sub', { sub: 7 as unknown as string }, 401],
    ['has a list as sub', { sub: ['mia'] as unknown as string }, 401],
    ['has a name that is an object', { preferred_username: { toString: 1 }, name: ['x'] }, 200],
    ['has control characters in the name', { preferred_username: 'mia\r\nX: 1' }, 200],
    ['has a role that is an object', { roles: [{ toString: 1 }, 'viewer', null] }, 200],
    ['has only roles that are no text', { roles: [{ toString: 1 }, 7, null, ['viewer']] }, 403],
    ['has the name of a method as role', { roles: ['constructor', 'toString', '__proto__'] }, 403],
    ['has an end that is a text', { exp: 'tomorrow' as unknown as number }, 401],
  ])('When a token %s, then the response is never 500', async (_, claims, status) => {
    const platform = await start();
    const token = await sign({ roles: ['viewer'], ...claims }, { expires: 'exp' in claims ? null : '5m' });

    const answer = await platform.call('GET', '/api/v1/persons', { as: token });

    expect(answer.status).toBe(status);
  });

  it.each([1024, 2047])(
    'When the issuer signs with an RSA key of %i bits, then the token is refused with 401',
    async (bits) => {
      const { privateKey } = weakKeys.find((key) => key.bits === bits)!;
      const header = { alg: 'RS256', kid: `weak-${bits}` };
      const claims = { sub: 'mia', aud: 'freeface', iss: issuer, roles: ['admin'], exp: Date.now() / 1000 + 300 };
      const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
      const token = `${text}.${signBytes('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
      const platform = await start();

      const answer = await platform.call('GET', '/api/v1/persons', { as: token });

      expect(answer.status).toBe(401);
    },
  );

  it.each(['/down', '/not-json', '/no-keys'])(
    'When the keys of the issuer cannot be read from %s, then the response is 503, not 401 and not 500',
    async (path) => {
      const platform = await start({ FREEFACE_OIDC_JWKS_URL: `${issuer}${path}` });

      const answer = await platform.call('GET', '/api/v1/persons', { as: await sign({ roles: ['viewer'] }) });

      expect(answer.status).toBe(503);
    },
  );

  it('When discovery sends the service to keys over plain http, then the response is 503', async () => {
    const platform = await start({ FREEFACE_OIDC_ISSUER: `${issuer}/unsafe` });
    const token = await sign({ roles: ['viewer'], iss: `${issuer}/unsafe` });

    const answer = await platform.call('GET', '/api/v1/persons', { as: token });

    expect(answer.status).toBe(503);
  });

  it.each([
    ['FREEFACE_OIDC_ISSUER', 'http://login.example.org'],
    ['FREEFACE_OIDC_ISSUER', 'http://127.0.0.1.example.org'],
    ['FREEFACE_OIDC_ISSUER', 'http://localhost@example.org'],
    ['FREEFACE_OIDC_ISSUER', 'ftp://login.example.org'],
    ['FREEFACE_OIDC_JWKS_URL', 'http://10.0.0.7/keys'],
    ['FREEFACE_OIDC_JWKS_URL', 'file:///etc/keys.json'],
  ])('When %s is %s, then the platform does not start', (name, url) => {
    const settings = { FREEFACE_OIDC_ISSUER: 'https://login.example.org', FREEFACE_OIDC_AUDIENCE: 'freeface' };

    expect(() => readConfig({ ...settings, [name]: url })).toThrow(`${name}: must use https`);
    expect(() => readConfig({ ...settings, [name]: 'http://[::1]:9000/a' })).not.toThrow();
    expect(() => readConfig({ ...settings, [name]: 'https://login.example.org/a' })).not.toThrow();
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

async function createTenant({ ports }: TestPlatform, name: string): Promise<void> {
  await ports.accounts.createTenant({
    tenant: asTenant(name),
    name,
    quota: { persons: null, faces: null, bytes: null },
    consentRequired: false,
    timeZone: null,
    retention: { imagesDays: null, unknownFacesDays: null },
  });
}
