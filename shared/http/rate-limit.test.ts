import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import { kept } from '../domain/tuning.ts';
import { defineFunction } from '../function/define.ts';
import { newApiKey } from '../identity/api-keys.ts';
import type { Cache } from '../ports/cache.ts';
import { asTenant } from '../ports/tenant.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { type PlatformOptions, startPlatform, type TestPlatform } from '../testing/platform.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';

const rest = {
  summary: 'Test',
  uses: [],
  output: z.object({ fine: z.boolean() }),
  resources: { cpu: '1', memory: '1Mi' },
  scale: { min: 0, max: 1 },
  concurrency: 1,
  timeoutSeconds: 10,
} as const;

const handler = async () => ({ data: { fine: true } });
const guarded = defineFunction(
  { ...rest, name: 'guarded', trigger: { kind: 'http', method: 'GET', path: '/guarded', scope: 'faces:read' } },
  handler,
);
const open = defineFunction(
  { ...rest, name: 'open', trigger: { kind: 'http', method: 'GET', path: '/open', scope: null } },
  handler,
);
const login = defineFunction(
  {
    ...rest,
    name: 'login',
    rateLimit: 'login',
    trigger: { kind: 'http', method: 'POST', path: '/login', scope: null },
  },
  handler,
);

const { accounts, audit, cache } = embeddedOpeners;
const usual = { FREEFACE_RATE_LIMIT_PER_KEY: '6000', FREEFACE_RATE_LIMIT_PER_ADDRESS: '12000' };
const start = ({ settings, ...options }: PlatformOptions) =>
  startPlatform([guarded, open, login], {
    dataDir: temporaryFolder(),
    openers: { accounts, audit, cache },
    settings: { ...usual, ...settings },
    ...options,
  });

const limitsOf = ({ headers }: { headers: Headers }) =>
  ['limit', 'remaining', 'reset', 'policy'].map((name) => headers.get(`ratelimit-${name}`));

/** Another key of a tenant. */
async function anotherKey({ ports }: TestPlatform, name = 'default'): Promise<string> {
  const tenant = asTenant(name);
  const { key, keyId, secretDigest } = newApiKey(tenant);
  await ports.accounts.createApiKey(tenant, {
    keyId,
    secretDigest,
    name: 'another',
    scopes: ['faces:read'],
    createdBy: null,
    expiresAt: null,
  });
  return key;
}

describe('rate limits', () => {
  it('When a key sends requests, then responses show its remaining limit, and one too many is refused until the next minute', async () => {
    const clock = fakeClock();
    const { call } = await start({ clock, settings: { FREEFACE_RATE_LIMIT_PER_KEY: '2' } });
    await clock.advance(20_500);

    const first = await call('GET', '/guarded');
    await call('GET', '/guarded');
    const third = await call('GET', '/guarded');
    await clock.advance(39_500);
    const later = await call('GET', '/guarded');

    expect(limitsOf(first)).toEqual(['2', '1', '40', '12000;w=60, 2;w=60']);
    expect([third.status, third.json.error.code, third.headers.get('retry-after')]).toEqual([
      429,
      'RATE_LIMITED',
      '40',
    ]);
    expect(third.json.error.details).toEqual({ limit: 2, window_seconds: 60 });
    expect(limitsOf(third)).toEqual(['2', '0', '40', '12000;w=60, 2;w=60']);
    expect([later.status, later.headers.get('ratelimit-remaining')]).toEqual([200, '1']);
  });

  it('When one key has used its limit, then another key is not limited', async () => {
    const platform = await start({ settings: { FREEFACE_RATE_LIMIT_PER_KEY: '1' } });
    await platform.call('GET', '/guarded');

    const same = await platform.call('GET', '/guarded');
    const other = await platform.call('GET', '/guarded', { as: await anotherKey(platform) });

    expect([same.status, other.status]).toEqual([429, 200]);
  });

  it('When the platform is stopped and started again within the minute, then the counters go on', async () => {
    const clock = fakeClock();
    const settings = { FREEFACE_RATE_LIMIT_PER_KEY: '1', FREEFACE_RATE_LIMIT_LOGIN: '1' };
    const dataDir = temporaryFolder();
    const first = await start({ clock, dataDir, settings });
    await first.call('GET', '/guarded');
    await first.call('POST', '/login', { as: null, json: {} });
    await first.close();

    const second = await start({ clock, dataDir, settings });
    const statuses = [
      (await second.call('GET', '/guarded')).status,
      (await second.call('POST', '/login', { as: null, json: {} })).status,
    ];

    expect(statuses).toEqual([429, 429]);
  });

  it('When a tenant has filled its space of counters, then its new callers are refused and other tenants are not', async () => {
    const platform = await start({ settings: { FREEFACE_RATE_LIMIT_PER_KEY: '100' } });
    const { cache } = platform.ports;
    const filled = asTenant('default');
    await cache.set(filled, 'big', 'x'.repeat(kept.caller.mostBytes - 10), { kept: 'caller', ttlMs: 60_000 });
    await platform.ports.accounts.createTenant({
      tenant: asTenant('north'),
      name: 'north',
      quota: { persons: null, faces: null, bytes: null },
      consentRequired: false,
      timeZone: null,
      retention: { imagesDays: null, unknownFacesDays: null },
    });

    const statuses = [];
    for (const as of [await anotherKey(platform), await anotherKey(platform, 'north')])
      statuses.push((await platform.call('GET', '/guarded', { as })).status);

    expect(statuses).toEqual([429, 200]);
  });

  it('When unknown callers send requests, then their address is limited before authentication', async () => {
    const { call, context } = await start({ settings: { FREEFACE_RATE_LIMIT_PER_ADDRESS: '2' } });

    const statuses = [];
    for (const as of [null, 'ffk.wrong', null]) statuses.push((await call('GET', '/guarded', { as })).status);

    expect(statuses).toEqual([401, 401, 429]);
    expect(await context.metrics.registry.metrics()).toContain('freeface_rate_limited_total{limit="address"} 1');
  });

  it('When a proxy is trusted, then each caller behind it has its own limit, and none can forge another', async () => {
    const settings = { FREEFACE_RATE_LIMIT_PER_ADDRESS: '1', FREEFACE_TRUSTED_PROXIES: '1' };
    const { call } = await start({ settings });
    const from = async (forwarded: string) =>
      (await call('GET', '/guarded', { headers: { 'x-forwarded-for': forwarded } })).status;

    const statuses = [await from('1.1.1.1'), await from('2.2.2.2'), await from('3.3.3.3, 1.1.1.1')];

    expect(statuses).toEqual([200, 200, 429]);
  });

  it('When private proxies are trusted, then each caller has its own limit through any number of proxies', async () => {
    const settings = { FREEFACE_RATE_LIMIT_PER_ADDRESS: '3', FREEFACE_TRUSTED_PROXIES: 'private' };
    const { call } = await start({ settings });
    const from = async (forwarded: string) =>
      (await call('GET', '/guarded', { headers: { 'x-forwarded-for': forwarded } })).status;

    const one = [await from('1.1.1.1'), await from('9.9.9.9, 1.1.1.1, 10.0.0.1')];
    const last = [await from('2.2.2.2, 1.1.1.1, 10.0.0.1, 10.0.0.2'), await from('2.2.2.2, 1.1.1.1, 10.0.0.1')];
    const other = await from('2.2.2.2, 10.0.0.1');

    expect([...one, ...last, other]).toEqual([200, 200, 200, 429, 200]);
  });

  it('When no proxy is trusted, then X-Forwarded-For changes nothing', async () => {
    const { call } = await start({ settings: { FREEFACE_RATE_LIMIT_PER_ADDRESS: '1' } });
    const from = async (forwarded: string) =>
      (await call('GET', '/guarded', { headers: { 'x-forwarded-for': forwarded } })).status;

    expect([await from('1.1.1.1'), await from('2.2.2.2')]).toEqual([200, 429]);
  });

  it('When the login limit is used up, then logins are refused and other requests pass', async () => {
    const { call } = await start({ settings: { FREEFACE_RATE_LIMIT_LOGIN: '1' } });

    const first = await call('POST', '/login', { as: null });
    const second = await call('POST', '/login', { as: null });
    const other = await call('GET', '/guarded');

    expect([first.status, second.status, other.status]).toEqual([200, 429, 200]);
    expect(second.json.error.details.limit).toBe(1);
  });

  it('When a limit is 0 or a function is open to every caller, then requests are not limited', async () => {
    const off = { FREEFACE_RATE_LIMIT_PER_KEY: '0', FREEFACE_RATE_LIMIT_PER_ADDRESS: '0' };
    const unlimited = await start({ settings: off });
    const limited = await start({ settings: { FREEFACE_RATE_LIMIT_PER_ADDRESS: '1' } });

    const answers = [
      await unlimited.call('GET', '/guarded'),
      await limited.call('GET', '/open'),
      await limited.call('GET', '/open'),
    ];

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(answers.map((answer) => limitsOf(answer)[0])).toEqual([null, null, null]);
  });

  it('When the cache fails, then the request passes and the failure is logged and counted', async () => {
    const failing = async () => broken as Cache;
    const { call, logs, context } = await start({ openers: { accounts, audit, cache: failing } });

    const answer = await call('GET', '/guarded');

    expect(answer.status).toBe(200);
    expect(logs).toContainEqual(expect.objectContaining({ level: 'warn', limit: 'key' }));
    expect(await context.metrics.registry.metrics()).toContain('freeface_rate_limit_failures_total{limit="key"} 1');
  });
});

/** A cache whose server is down. */
const broken = {
  increment: () => Promise.reject(new Error('connection refused')),
  close: async () => {},
} as unknown as Cache;
