import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import { AppError } from '../errors.ts';
import { defineFunction } from '../function/define.ts';
import { newApiKey } from '../identity/api-keys.ts';
import { asTenant, defaultTenant } from '../ports/tenant.ts';
import { deferred } from '../testing/deferred.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { type Answer, type CallOptions, type PlatformOptions, startPlatform } from '../testing/platform.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';

const { accounts, audit, cache } = embeddedOpeners;
const rest = {
  summary: 'Test',
  uses: [],
  resources: { cpu: '1', memory: '1Mi' },
  scale: { min: 0, max: 1 },
  concurrency: 1,
  timeoutSeconds: 10,
} as const;

/** A platform whose functions count how often their handler runs. Each run waits for `meanwhile`. */
async function start(options: PlatformOptions & { meanwhile?: () => Promise<void> } = {}) {
  const { meanwhile = async () => {}, ...platform } = options;
  let count = 0;
  const output = z.object({ count: z.number(), name: z.string().nullable() });
  const body = z.object({
    name: z.string().optional(),
    fail: z.string().optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
  });
  const act = async (given: z.output<typeof body>) => {
    const mine = ++count;
    await meanwhile();
    if (given.fail !== undefined && (given.fail !== 'BUSY' || mine === 1)) {
      throw new AppError(given.fail as 'BUSY', { message: `failed ${mine}`, details: { mine } });
    }
    return {
      data: { count: mine, name: given.name ?? null },
      status: 201,
      headers: { location: `/made/${mine}`, etag: `"${mine}"` },
    };
  };
  const functions = [
    defineFunction(
      {
        ...rest,
        name: 'make',
        trigger: { kind: 'http', method: 'POST', path: '/make/{id}', scope: 'faces:write' },
        params: z.object({ id: z.string() }),
        body,
        image: 'optional',
        output,
        status: 201,
      },
      async ({ body: given }) => act(given),
    ),
    defineFunction(
      {
        ...rest,
        name: 'make-secret',
        secret: true,
        trigger: { kind: 'http', method: 'POST', path: '/secrets', scope: 'users:manage' },
        body,
        output,
        status: 201,
      },
      async ({ body: given }) => act(given),
    ),
    defineFunction(
      {
        ...rest,
        name: 'look',
        trigger: { kind: 'http', method: 'POST', path: '/look', scope: 'faces:read' },
        body,
        output,
      },
      async ({ body: given }) => act(given),
    ),
  ];
  const running = await startPlatform(functions, {
    dataDir: temporaryFolder(),
    openers: { accounts, audit, cache },
    ...platform,
  });
  const post = (path: string, key: string, call: CallOptions = {}) =>
    running.call('POST', path, {
      json: { name: 'Ada' },
      ...call,
      headers: { 'idempotency-key': key, ...call.headers },
    });
  return { ...running, post, count: () => count };
}

describe('Idempotency-Key', () => {
  it('When a request is repeated, then it runs once and both responses are equal except for their request ids', async () => {
    const { post, count } = await start();

    const first = await post('/make/a', 'k1', { headers: { 'x-request-id': 'one' } });
    const second = await post('/make/a', 'k1', { headers: { 'x-request-id': 'two' } });

    expect([first.status, second.status, second.json, count()]).toEqual([201, 201, first.json, 1]);
    expect([first, second].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true']);
    expect(['location', 'etag', 'content-type'].map((name) => second.headers.get(name))).toEqual(
      ['location', 'etag', 'content-type'].map((name) => first.headers.get(name)),
    );
    expect([first, second].map(({ headers }) => headers.get('x-request-id'))).toEqual(['one', 'two']);
  });

  it('When there is no key or another key, then each request runs', async () => {
    const { post, call, count } = await start();

    await post('/make/a', 'k1');
    await post('/make/a', 'k2');
    await call('POST', '/make/a', { json: { name: 'Ada' } });

    expect(count()).toBe(3);
  });

  it.each<[string, string, CallOptions]>([
    ['body', '/make/a', { json: { name: 'Bea' } }],
    ['path', '/make/b', {}],
    ['function', '/secrets', {}],
    ['If-Match', '/make/a', { headers: { 'if-match': '"7"' } }],
    ['image', '/make/a', { json: { name: 'Ada', image_data: 'AAAA' } }],
  ])(
    'When a key is sent again with another %s, then the response is 422 and the handler does not run',
    async (_, path, options) => {
      const { post, count } = await start();
      await post('/make/a', 'k1');

      const answer = await post(path, 'k1', options);

      expect([answer.status, answer.json.error.code, count()]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED', 1]);
    },
  );

  it('When a form or an object is repeated with other bytes, then it is the same request', async () => {
    const { post, count } = await start();
    const form = { name: 'Ada', image: Buffer.from('picture') };

    await post('/make/a', 'k1', { json: undefined, form });
    const repeated = await post('/make/a', 'k1', { json: undefined, form });
    await post('/make/a', 'k2', { json: { metadata: { a: 1, b: 2 } } });
    await post('/make/a', 'k2', { json: { metadata: { b: 2, a: 1 } } });
    const other = await post('/make/a', 'k1', { json: undefined, form: { ...form, image: Buffer.from('another') } });

    expect([repeated.headers.get('idempotency-replayed'), other.status, count()]).toEqual(['true', 422, 2]);
  });

  it('When ten equal requests arrive at once, then one runs and the others receive 409 with Retry-After', async () => {
    const held = deferred<void>();
    const { post, count } = await start({ meanwhile: () => held.promise });

    const refused: Answer[] = [];
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const answer = await post('/make/a', 'k1');
        if (answer.status === 409 && refused.push(answer) === 9) held.resolve();
        return answer;
      }),
    );

    expect([refused[0]!.json.error.code, refused[0]!.headers.get('retry-after')]).toEqual([
      'IDEMPOTENCY_KEY_IN_USE',
      '1',
    ]);
    expect([answers.filter(({ status }) => status === 201).length, count()]).toEqual([1, 1]);
  });

  it('When a request failed permanently, then the repeat receives the same error under its own request id', async () => {
    const { post, count } = await start();

    const first = await post('/make/a', 'k1', { json: { fail: 'NO_FACE' } });
    const second = await post('/make/a', 'k1', { json: { fail: 'NO_FACE' } });

    const { request_id: firstId, ...error } = first.json.error;
    const { request_id: secondId, ...again } = second.json.error;
    expect([second.status, again, second.json.message, count()]).toEqual([422, error, 'failed 1', 1]);
    expect(secondId).toBe(second.headers.get('x-request-id'));
    expect(secondId).not.toBe(firstId);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
  });

  it.each(['INTERNAL', 'STORE_UNAVAILABLE', 'BUSY'])(
    'When a request failed with %s, then the repeat runs again',
    async (fail) => {
      const { post, count } = await start();

      const first = await post('/make/a', 'k1', { json: { fail } });
      const second = await post('/make/a', 'k1', { json: { fail } });

      expect([first.headers.get('idempotency-replayed'), second.headers.get('idempotency-replayed')]).toEqual([
        null,
        null,
      ]);
      expect(count()).toBe(2);
    },
  );

  it('When a request is refused before the handler, then the key is still free', async () => {
    const { post, count } = await start();

    const refused = await post('/make/a', 'k1', { json: { nme: 'Ada' } });
    const right = await post('/make/a', 'k1');

    expect([refused.status, right.status, count()]).toEqual([400, 201, 1]);
  });

  it('When the response contains a secret, then it is not stored, and a repeat is refused with 409', async () => {
    const { post, count } = await start();

    const first = await post('/secrets', 'k1');
    const second = await post('/secrets', 'k1');

    expect([first.status, second.status, second.json.error.code]).toEqual([201, 409, 'IDEMPOTENCY_SECRET_SHOWN']);
    expect([second.headers.get('retry-after'), count()]).toEqual([null, 1]);
  });

  it('When a function changes nothing, then the key is ignored', async () => {
    const { post, count } = await start();

    await post('/look', 'k1');
    const second = await post('/look', 'k1', { json: { name: 'Bea' } });

    expect([second.status, second.json.data.name, count()]).toEqual([201, 'Bea', 2]);
  });

  it.each([
    ['is empty', ''],
    ['is too long', 'k'.repeat(256)],
    ['has a tab', 'a\tb'],
  ])('When the key %s, then 400 names the header', async (_, key) => {
    const { post, count } = await start();

    const answer = await post('/make/a', key);

    expect([answer.status, answer.json.error.code, answer.json.error.details[0].field, count()]).toEqual([
      400,
      'VALIDATION_FAILED',
      'Idempotency-Key',
      0,
    ]);
  });

  it('When another caller or tenant uses the same key, then it is another request', async () => {
    const { post, ports, count } = await start();
    const others = await Promise.all(
      ['default', 'other'].map(async (name) => {
        const tenant = asTenant(name);
        if (name === 'other') {
          await ports.accounts.createTenant({
            tenant,
            name,
            quota: { persons: null, faces: null, bytes: null },
            consentRequired: false,
            retention: { imagesDays: null, unknownFacesDays: null },
            timeZone: null,
          });
        }
        const { key, keyId, secretDigest } = newApiKey(tenant);
        const scopes = ['faces:write'] as const;
        await ports.accounts.createApiKey(tenant, {
          keyId,
          secretDigest,
          name,
          scopes,
          createdBy: null,
          expiresAt: null,
        });
        return key;
      }),
    );

    await post('/make/a', 'k1');
    const answers = await Promise.all(others.map((as) => post('/make/a', 'k1', { as })));

    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(count()).toBe(3);
  });

  it('When the caller disconnects during the request, then the result is stored for the repeat', async () => {
    const entered = deferred<void>();
    const held = deferred<void>();
    const { url, adminKey, post, count } = await start({
      meanwhile: () => {
        entered.resolve();
        return held.promise;
      },
    });
    const leaving = new AbortController();
    const left = fetch(`${url}/make/a`, {
      method: 'POST',
      body: '{"name":"Ada"}',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json', 'idempotency-key': 'k1' },
      signal: leaving.signal,
    });
    await entered.promise;

    leaving.abort();
    await expect(left).rejects.toThrow();
    const early = await post('/make/a', 'k1');
    held.resolve();
    const repeated = await post('/make/a', 'k1');

    expect([early.status, repeated.status, repeated.json.data.count, count()]).toEqual([409, 201, 1, 1]);
  });

  it('When a request does not end in time, then its key is free soon after its time-out, and its late end changes nothing', async () => {
    const clock = fakeClock();
    const held = [deferred<void>(), deferred<void>()];
    let calls = 0;
    const { post, count } = await start({ clock, meanwhile: () => held[calls++]!.promise });
    const stuck = post('/make/a', 'k1');
    await clock.until(() => calls === 1);
    await clock.advance(10_000);
    const timedOut = await stuck;
    const blocked = await post('/make/a', 'k1');

    await clock.advance(30_000);
    const second = post('/make/a', 'k1');
    await clock.until(() => calls === 2);
    held[0]!.resolve();
    held[1]!.resolve();
    const made = await second;
    const repeated = await post('/make/a', 'k1');

    expect([timedOut.status, blocked.status, made.status, count()]).toEqual([504, 409, 201, 2]);
    expect([repeated.json.data.count, made.json.data.count]).toEqual([2, 2]);
  });

  it('When a day has passed, then the key is free again', async () => {
    const clock = fakeClock();
    const { post, count } = await start({ clock });
    await post('/make/a', 'k1');
    await clock.advance(24 * 3600 * 1000 - 1);
    const before = await post('/make/a', 'k1');

    await clock.advance(1);
    const after = await post('/make/a', 'k1');

    expect([before, after].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual(['true', null]);
    expect(count()).toBe(2);
  });

  it('When the platform is stopped and started again, then a repeat still receives the first result', async () => {
    const dataDir = temporaryFolder();
    const first = await start({ dataDir });
    const made = await first.post('/make/a', 'k1');
    await first.post('/make/a', 'k2', { json: { fail: 'NO_FACE' } });
    await first.post('/secrets', 'k3');
    await first.close();

    const second = await start({ dataDir });
    const answers = [
      await second.post('/make/a', 'k1'),
      await second.post('/make/a', 'k2', { json: { fail: 'NO_FACE' } }),
      await second.post('/secrets', 'k3'),
      await second.post('/make/a', 'k1', { json: { name: 'Bea' } }),
    ];

    expect(answers.map(({ status, json }) => json.error?.code ?? status)).toEqual([
      201,
      'NO_FACE',
      'IDEMPOTENCY_SECRET_SHOWN',
      'IDEMPOTENCY_KEY_REUSED',
    ]);
    expect([answers[0]!.json, second.count()]).toEqual([made.json, 0]);
  });

  it('When the stored response had to make room for others, then the repeat is refused with 409 and does not run', async () => {
    const { post, ports, count } = await start();
    await post('/make/a', 'k1');
    const later = { kept: 'response', ttlMs: 48 * 3600 * 1000 } as const;
    for (const key of ['a', 'b']) await ports.cache.set(defaultTenant, key, 'x'.repeat(40 * 2 ** 20), later);

    const repeated = await post('/make/a', 'k1');
    const other = await post('/make/a', 'k2');

    expect([repeated.status, repeated.json.error.code, count()]).toEqual([409, 'IDEMPOTENCY_RESPONSE_GONE', 2]);
    expect(other.status).toBe(201);
  });

  it('When a response is stored, then the cache contains nothing readable of it', async () => {
    const marks: string[] = [];
    const responses: string[] = [];
    const watched: typeof cache = async (context) => {
      const opened = await cache(context);
      return {
        ...opened,
        set: (tenant, key, value, options) => {
          (options.kept === 'response' ? responses : marks).push(key, value);
          return opened.set(tenant, key, value, options);
        },
      };
    };
    const { post } = await start({ openers: { accounts, audit, cache: watched } });

    await post('/make/a', 'secret-key', { json: { name: 'Ada Lovelace' } });
    await post('/make/a', 'k2', { json: { fail: 'NO_FACE' } });

    expect(marks.filter((entry) => entry.includes('answered') || entry.includes('failed'))).toHaveLength(2);
    expect(responses).toHaveLength(4);
    expect([...marks, ...responses].join()).not.toMatch(/Ada|Lovelace|secret-key|failed 1|NO_FACE|\/made/);
  });
});
