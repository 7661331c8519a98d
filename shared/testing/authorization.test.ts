import { exportJWK, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { type Role, roles, scopesOfRole } from '../domain/access.ts';
import { type HttpManifest, isHttp } from '../function/define.ts';
import { newApiKey } from '../identity/api-keys.ts';
import { signAccessToken } from '../identity/tokens.ts';
import { asTenant, defaultTenant, type Tenant } from '../ports/tenant.ts';
import { whoMayCall } from './authorization-table.ts';
import { type Answer, sharedPlatform } from './platform.ts';
import { drawPortrait } from './portraits/index.ts';

const manifests = functions.map(({ manifest }) => manifest).filter(isHttp);
/** These tests check only access, so they need no event functions. */
const functionsUnderTest = functions.filter(({ manifest }) => isHttp(manifest) || manifest.trigger.kind === 'cron');

describe('the callers of each function', () => {
  const platform = sharedPlatform(functionsUnderTest, {
    settings: {
      FREEFACE_RATE_LIMIT_PER_ADDRESS: '0',
      FREEFACE_RATE_LIMIT_PER_KEY: '0',
      FREEFACE_RATE_LIMIT_LOGIN: '0',
    },
  });
  let viewer: Awaited<ReturnType<typeof makeUser>>;

  beforeAll(async () => {
    viewer = await makeUser(defaultTenant, 'viewer');
  });

  it('When a function is added, then the table lists its allowed callers', () => {
    expect(Object.keys(whoMayCall).sort()).toEqual(manifests.map(({ name }) => name).sort());
  });

  it.each(manifests.map((manifest) => [manifest.name, manifest] as const))(
    'When %s is called by each role, without credentials and with forged ones, then it allows exactly the callers in the table',
    async (name, manifest) => {
      const least = whoMayCall[name as keyof typeof whoMayCall];
      const open = least === 'anyone';
      const forged = await forgeries();

      const outcomes: Record<string, string> = {};
      const expected: Record<string, string> = {};
      for (const [caller, as] of Object.entries({ 'no credential': null, ...forged })) {
        outcomes[caller] = accessOf(await callRoute(manifest, as));
        expected[caller] = open ? 'allowed' : '401';
      }
      for (const role of roles) {
        // A new user for each call, because a call may end the session or change the password.
        outcomes[role] = accessOf(await callRoute(manifest, (await makeUser(defaultTenant, role)).token));
        const may = open || least === 'signed-in' || roles.indexOf(role) >= roles.indexOf(least);
        expected[role] = may ? 'allowed' : '403';
      }

      expect(outcomes).toEqual(expected);
    },
  );

  it.each(
    manifests
      .filter(({ trigger }) => trigger.scope !== null && trigger.scope !== 'signed-in')
      .map((m) => [m.name, m] as const),
  )('When %s is called with a key that lacks only its scope, then 403 names the scope', async (_, manifest) => {
    const { scope } = manifest.trigger;
    const key = await makeKey(scopesOfRole.owner.filter((each) => each !== scope));

    const answer = await callRoute(manifest, key);

    expect([answer.status, answer.json.error.details]).toEqual([403, { scope }]);
  });

  it('When a user is disabled, demoted or logged out, or a key is revoked or expired, then the next request is refused', async () => {
    const { ports, context } = platform();
    const [disabled, demoted, loggedOut] = await Promise.all([1, 2, 3].map(() => makeUser(defaultTenant, 'admin')));
    const [revoked, expired] = [
      await makeKey(['persons:read']),
      await makeKey(['persons:read'], context.clock.now() - 1),
    ];
    const ask = (as: string) =>
      platform()
        .call('GET', '/api/v1/users', { as })
        .then(({ status }) => status);
    const before = await Promise.all([disabled!, demoted!, loggedOut!].map(({ token }) => ask(token)));

    await ports.accounts.updateUser(defaultTenant, disabled!.userId, { disabled: true });
    await ports.accounts.updateUser(
      defaultTenant,
      demoted!.userId,
      { role: 'viewer' },
      { keepSession: demoted!.sessionId },
    );
    await ports.accounts.endSession(defaultTenant, loggedOut!.sessionId);
    await ports.accounts.revokeApiKey(defaultTenant, revoked.split('.')[2]!);

    expect(before).toEqual([200, 200, 200]);
    expect(await Promise.all([disabled!, demoted!, loggedOut!].map(({ token }) => ask(token)))).toEqual([
      401, 403, 401,
    ]);
    expect(await Promise.all([revoked, expired].map(ask))).toEqual([401, 401]);
  });

  it('When a caller of another tenant requests our data, then the response does not show it', async () => {
    const { call, ports } = platform();
    const image = await drawPortrait({ person: 'kira' });
    const enrolled = await call('POST', '/api/v1/faces/enroll', {
      form: { image, person_id: 'ours', external_id: 'ours-ext', name: 'Ours' },
    });
    const { face_id: faceId, image_id: imageId } = enrolled.json.data;
    const other = asTenant('other-tenant');
    await ports.accounts.createTenant({ ...emptyTenant, tenant: other });
    const { token } = await makeUser(other, 'admin');
    const as = (method: string, path: string, options = {}) => call(method, path, { as: token, ...options });

    const answers = await Promise.all([
      as('GET', '/api/v1/persons/ours'),
      as('PUT', '/api/v1/persons/ours', { json: { name: 'Theirs' } }),
      as('DELETE', '/api/v1/persons/ours'),
      as('GET', '/api/v1/persons/ours/timeline'),
      as('GET', '/api/v1/persons/ours/appearances'),
      as('GET', '/api/v1/persons/by_external_id/ours-ext'),
      as('GET', `/api/v1/faces/${faceId}`),
      as('DELETE', `/api/v1/faces/${faceId}`),
      as('GET', `/api/v1/images/${imageId}`),
      as('GET', `/api/v1/images/${imageId}/download`),
      as('GET', `/api/v1/users/${viewer.userId}`),
      as('DELETE', `/api/v1/users/${viewer.userId}`),
      as('POST', '/api/v1/faces/compare', { form: { image, face_id: faceId } }),
      as('POST', '/api/v1/faces/compare', { form: { image, person_id: 'ours' } }),
    ]);
    const tenants = await Promise.all([
      as('GET', '/api/v1/tenants/default'),
      as('GET', '/api/v1/tenants/nowhere'),
      as('PUT', '/api/v1/tenants/default', { json: { name: 'Theirs' } }),
    ]);
    const [listed, byIds, recognized, searched, audit, users] = await Promise.all([
      as('GET', '/api/v1/persons'),
      as('GET', '/api/v1/persons/by_external_ids?external_ids=ours-ext'),
      as('POST', '/api/v1/faces/recognize', { form: { image } }),
      as('POST', '/api/v1/faces/search', { form: { image } }),
      as('GET', '/api/v1/audit?action=enroll-face'),
      as('GET', '/api/v1/users'),
    ]);

    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404));
    expect(tenants.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(listed.json.data.persons).toEqual([]);
    expect(byIds.json.data.persons).toEqual([]);
    expect(recognized.json.data.faces.map(({ decision }: { decision: string }) => decision)).toEqual(['unknown']);
    expect(searched.json.data.faces.map(({ matches }: { matches: unknown[] }) => matches)).toEqual([[]]);
    expect(audit.json.data.entries).toEqual([]);
    expect(users.json.data.users.map(({ role }: { role: string }) => role)).toEqual(['admin']);
    expect((await call('GET', '/api/v1/persons/ours')).json.data).toMatchObject({ name: 'Ours', face_count: 1 });
  });

  /** Credentials that are correct except for one detail. */
  async function forgeries(): Promise<Record<string, string>> {
    const { ports } = platform();
    const [signing] = await ports.accounts.signingKeys();
    const ours = await importJWK(JSON.parse(signing!.privateJwk), 'EdDSA');
    const { privateKey: foreign } = await generateKeyPair('EdDSA');
    const good = {
      tenant: 'default',
      sid: viewer.sessionId,
      sub: viewer.userId,
      role: 'owner',
      aud: 'urn:freeface:api',
    };
    const header = { alg: 'EdDSA', kid: signing!.keyId, typ: 'at+jwt' };
    const now = Math.floor(platform().context.clock.now() / 1000);
    const sign = (claims: JWTPayload, key: Parameters<SignJWT['sign']>[0], head = header) =>
      new SignJWT({ iss: 'urn:freeface', iat: now, exp: now + 60, ...claims }).setProtectedHeader(head).sign(key);
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { iss: 'urn:freeface', iat: now, exp: now + 60, ...good };
    const publicBytes = new TextEncoder().encode(
      JSON.stringify(await exportJWK(await importJWK(JSON.parse(signing!.publicJwk), 'EdDSA'))),
    );
    const adminKey = platform().adminKey!;
    return {
      expired: await sign({ ...good, exp: now - 1 }, ours),
      'wrong signature': await sign(good, foreign),
      'alg none': `${part({ alg: 'none', kid: signing!.keyId, typ: 'at+jwt' })}.${part(claims)}.`,
      'public key as a secret': await new SignJWT(claims)
        .setProtectedHeader({ ...header, alg: 'HS256' })
        .sign(publicBytes),
      'wrong audience': await sign({ ...good, aud: 'another-service' }, ours),
      'wrong issuer': await sign({ ...good, iss: 'another-issuer' }, ours),
      'another kind of statement': await sign(good, ours, { ...header, typ: 'freeface-statement+jwt' }),
      'unknown key id': await sign(good, ours, { ...header, kid: 'unknown' }),
      'ended session': await sign({ ...good, sid: 'gone' }, ours),
      'not a token': 'sesame',
      'wrong secret of a key': `${adminKey.slice(0, -4)}AAAA`,
      'key of another tenant': adminKey.replace('ffk.default.', 'ffk.other.'),
    };
  }

  async function makeUser(tenant: Tenant, role: Role) {
    const { ports, context } = platform();
    const { newId, clock } = context;
    const [userId, sessionId] = [newId(), newId()];
    const name = `${role} ${userId}`;
    const username = `${role}-${userId}`;
    await ports.accounts.createUser(tenant, { userId, username, name, role, passwordHash: '', disabled: false });
    const expiresAt = clock.now() + 3_600_000;
    await ports.accounts.createSession(tenant, { sessionId, userId, refreshDigest: '', expiresAt });
    const subject = { tenant, userId, name, role, sessionId };
    const { token } = await signAccessToken(subject, { accounts: ports.accounts, clock });
    return { userId, sessionId, token };
  }

  async function makeKey(
    scopes: (typeof scopesOfRole.owner)[number][],
    expiresAt: number | null = null,
  ): Promise<string> {
    const { key, keyId, secretDigest } = newApiKey(defaultTenant);
    const { accounts } = platform().ports;
    await accounts.createApiKey(defaultTenant, {
      keyId,
      secretDigest,
      name: 'test',
      scopes,
      createdBy: null,
      expiresAt,
    });
    return key;
  }

  /** Sends a request without a body and with unknown ids: an allowed caller gets 400 or 404. */
  function callRoute({ trigger: { method, path } }: HttpManifest, as: string | null): Promise<Answer> {
    const concrete = path.replace(/\{(\w+)\}/g, (_, name: string) => samples[name] ?? 'nothing');
    return platform().call(method, concrete, { as });
  }
});

const samples: Readonly<Record<string, string>> = {
  tenant: 'default',
  face_id: '00000000-0000-5000-8000-000000000000',
  image_id: '00000000-0000-5000-8000-000000000000',
  id: '00000000-0000-5000-8000-000000000000',
};

const emptyTenant = {
  name: 'Other',
  quota: { persons: null, faces: null, bytes: null },
  consentRequired: false,
  retention: { imagesDays: null, unknownFacesDays: null },
  timeZone: null,
};

/** `allowed`, or the status of the refusal. */
const accessOf = ({ status, json }: Answer): string =>
  (status === 401 && json.error.code === 'UNAUTHENTICATED') || (status === 403 && json.error.code === 'FORBIDDEN')
    ? String(status)
    : 'allowed';
