import { createLocalJWKSet, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { fakeClock } from '../../shared/testing/fake-clock.ts';
import { newLogin, sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { startPlatform, type TestPlatform } from '../../shared/testing/platform.ts';

/** Without the other scheduled functions: one month of their runs would take long. */
const answering = sightless.filter(
  ({ manifest }) => manifest.trigger.kind === 'http' || manifest.name === 'rotate-signing-keys',
);

const day = 24 * 60 * 60_000;

const keySet = async ({ call }: TestPlatform) => {
  const answer = await call('GET', '/.well-known/jwks.json', { as: null });
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'public, max-age=300']);
  return answer.json as { keys: Record<string, string>[] };
};

describe('get-key-set and rotate-signing-keys', () => {
  it('When a client has a token and the key set, then it can verify the token, and the set has no private key', async () => {
    const platform = await startPlatform(sightless, sightlessOptions);
    const { token, userId } = await newLogin(platform);

    const set = await keySet(platform);

    const { payload } = await jwtVerify(token, createLocalJWKSet(set as never), { algorithms: ['EdDSA'] });
    expect(payload.sub).toBe(userId);
    expect(set.keys.map((key) => Object.keys(key).sort())).toEqual([['alg', 'crv', 'kid', 'kty', 'use', 'x']]);
  });

  it('When the newest key is 30 days old, then a new key signs, and tokens of the old key stay valid', async () => {
    const clock = fakeClock();
    const platform = await startPlatform(answering, { ...sightlessOptions, clock });
    const [first] = (await keySet(platform)).keys;
    await clock.advance(29 * day);
    expect((await keySet(platform)).keys).toEqual([first]);
    await clock.advance(day - 5 * 60_000);
    const { token } = await newLogin(platform);

    await clock.advance(5 * 60_000);

    await clock.until(async () => (await keySet(platform)).keys.length === 2);
    const [second, old] = (await keySet(platform)).keys;
    expect(old).toEqual(first);
    const login = await newLogin(platform);
    expect(kidOf(login.token)).toBe(second?.kid);
    for (const as of [token, login.token]) {
      expect((await platform.call('GET', '/api/v1/auth/me', { as })).status).toBe(200);
    }
  });
});

const kidOf = (token: string): string => JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid;
