import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { functions } from '../../functions/registry.gen.ts';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import { defineFunction } from '../function/define.ts';
import { type PlatformOptions, startPlatform } from '../testing/platform.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';

const rest = {
  summary: 'Test',
  uses: [],
  resources: { cpu: '1', memory: '1Mi' },
  scale: { min: 0, max: 1 },
  concurrency: 1,
  timeoutSeconds: 10,
} as const;

const things = defineFunction(
  {
    ...rest,
    name: 'things',
    trigger: { kind: 'http', method: 'GET', path: '/things/{id}', scope: null },
    params: z.object({ id: z.string() }),
    query: z.object({ limit: z.number().optional() }),
    output: z.object({ id: z.string() }),
  },
  async ({ params }) => ({ data: { id: params.id } }),
);
const guarded = defineFunction(
  {
    ...rest,
    name: 'guarded',
    trigger: { kind: 'http', method: 'POST', path: '/guarded', scope: 'faces:write' },
    body: z.object({ name: z.string().optional() }),
    image: 'optional',
    output: z.object({ bytes: z.number() }),
  },
  async ({ image }) => ({ data: { bytes: image?.length ?? 0 } }),
);
const picture = defineFunction(
  {
    ...rest,
    name: 'picture',
    trigger: { kind: 'http', method: 'GET', path: '/picture', scope: null },
    output: { binary: ['image/png', 'image/jpeg'] },
  },
  async () => ({ bytes: Buffer.from('picture'), contentType: 'image/png', headers: { vary: 'Accept' } }),
);
const failing = defineFunction(
  {
    ...rest,
    name: 'failing',
    trigger: { kind: 'http', method: 'GET', path: '/failing', scope: null },
    output: z.object({}),
  },
  async () => {
    throw new Error('no');
  },
);

const { accounts, audit, cache } = embeddedOpeners;
const start = (settings: Readonly<Record<string, string>> = {}, options: PlatformOptions = {}) =>
  startPlatform([things, guarded, picture, failing], {
    dataDir: temporaryFolder(),
    openers: { accounts, audit, cache },
    settings,
    ...options,
  });

describe('security headers', () => {
  it.each(['/things/1', '/nowhere', '/guarded', '/failing', '/health/liveness', '/metrics', '/picture'])(
    'When the path is %s, then the headers forbid scripts, frames, sniffing and caching',
    async (path) => {
      const { call } = await start();

      const { headers } = await call('GET', path, { as: null });

      expect(Object.fromEntries(headers)).toMatchObject({
        'content-security-policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      });
      for (const name of ['server', 'x-powered-by', 'strict-transport-security', 'access-control-allow-origin'])
        expect([name, headers.get(name)]).toEqual([name, null]);
    },
  );

  it('When a proxy terminates TLS, then the response has Strict-Transport-Security', async () => {
    const { call } = await start({ FREEFACE_BEHIND_TLS: 'true' });

    const { headers } = await call('GET', '/things/1');

    expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/);
  });

  it('When the path is /docs, then the response has its own content security policy', async () => {
    const docs = functions.filter(({ manifest }) => manifest.name === 'api-docs');
    const { call } = await startPlatform(docs, { dataDir: temporaryFolder(), openers: {} });

    const { headers } = await call('GET', '/docs');

    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('x-frame-options')).toBe('DENY');
  });
});

describe('CORS', () => {
  const asked = { origin: 'https://app.example', 'access-control-request-method': 'PUT' };

  it('When no origin is configured, then a preflight gets 405 and no page may read a response', async () => {
    const { call } = await start();

    const preflight = await call('OPTIONS', '/things/1', { headers: asked, as: null });
    const read = await call('GET', '/things/1', { headers: { origin: 'https://app.example' } });

    expect([preflight.status, preflight.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    for (const { headers } of [preflight, read]) expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  it('When the origin is allowed, then its preflight succeeds without authentication', async () => {
    const { call } = await start({ FREEFACE_CORS_ORIGINS: 'https://app.example,http://localhost:3000' });
    const headers = { ...asked, 'access-control-request-headers': 'authorization, idempotency-key' };

    const answer = await call('OPTIONS', '/guarded', { headers, as: null });

    expect([answer.status, answer.bytes.length]).toEqual([204, 0]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-methods': 'GET,HEAD,POST,PUT,DELETE',
      'access-control-allow-headers': 'authorization, idempotency-key',
      'access-control-max-age': '600',
      vary: 'Origin, Access-Control-Request-Headers',
    });
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('When a page of an allowed origin reads, then it may read the exposed headers, also of an error', async () => {
    const { call } = await start({ FREEFACE_CORS_ORIGINS: 'https://app.example' });
    const headers = { origin: 'https://app.example' };

    const refused = await call('POST', '/guarded', { headers, as: null });
    const varying = await call('GET', '/picture', { headers });

    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(refused.headers.get('access-control-expose-headers')).toContain('X-Request-Id,ETag');
    expect(refused.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    expect(varying.headers.get('vary')).toBe('Accept, Origin');
  });

  it('When the origin is not allowed, then the response has no CORS permission', async () => {
    const { call } = await start({ FREEFACE_CORS_ORIGINS: 'https://app.example' });
    const headers = { ...asked, origin: 'https://app.example.evil' };

    const preflight = await call('OPTIONS', '/guarded', { headers, as: null });
    const read = await call('GET', '/things/1', { headers: { origin: 'null' } });

    for (const answer of [preflight, read]) expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(read.headers.get('vary')).toBe('Origin');
  });

  it('When all origins are allowed, then credentials are still not allowed', async () => {
    const { call } = await start({ FREEFACE_CORS_ORIGINS: '*' });

    const { headers } = await call('GET', '/things/1', { headers: { origin: 'https://any.example', cookie: 'a=b' } });

    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });

  it.each(['app.example', 'https://app.example/', 'https://a.example,*'])(
    'When the setting is %s, then the start fails with an error that names the setting',
    async (origins) => {
      await expect(start({ FREEFACE_CORS_ORIGINS: origins })).rejects.toThrow('FREEFACE_CORS_ORIGINS');
    },
  );
});

describe('rejected requests', () => {
  it.each([
    ['/things/1', 'text/html', 406],
    ['/things/1', 'application/json;q=0', 406],
    ['/things/1', 'nonsense', 406],
    ['/things/1', 'text/html, application/*;q=0.1', 200],
    ['/things/1', '*/*;q=0.1', 200],
    ['/things/1', '', 200],
    ['/picture', 'application/json', 406],
    ['/picture', 'image/*', 200],
    ['/picture', 'image/jpeg', 200],
  ])('When the path is %s and Accept is "%s", then the status is %i', async (path, accept, status) => {
    const { call } = await start();

    const answer = await call('GET', path, { headers: { accept } });

    expect(answer.status).toBe(status);
    if (status === 406)
      expect(answer.json.error).toMatchObject({ code: 'NOT_ACCEPTABLE', details: { available: expect.any(Array) } });
  });

  it.each([
    ['gzip', 415],
    ['identity', 200],
    ['IDENTITY', 200],
  ])('When the Content-Encoding of a body is %s, then the status is %i', async (encoding, status) => {
    const { call } = await start();

    const answer = await call('POST', '/guarded', { json: {}, headers: { 'content-encoding': encoding } });

    expect(answer.status).toBe(status);
    if (status === 415) expect(answer.json.message).toContain('Content-Encoding');
  });

  it.each(['OPTIONS', 'DELETE', 'PATCH', 'PROPFIND'])(
    'When the path does not support %s, then the response is 405 with Allow',
    async (method) => {
      const { call } = await start();

      const answer = await call(method, '/things/1', { as: null });

      expect([answer.status, answer.json.error.code, answer.headers.get('allow')]).toEqual([
        405,
        'METHOD_NOT_ALLOWED',
        'GET, HEAD',
      ]);
    },
  );

  it('When a path has an invalid percent sign or a query name is repeated, then the response is 400', async () => {
    const { call } = await start();

    const path = await call('GET', '/things/%E0%A4%A');
    const query = await call('GET', '/things/1?limit=1&limit=2');
    const encoded = await call('GET', '/things/a%2Fb%C3%BC');

    expect([path.status, path.json.error.code]).toEqual([400, 'REQUEST_MALFORMED']);
    expect([query.status, query.json.error.details]).toEqual([400, [{ field: 'limit', issue: 'is given twice' }]]);
    expect(encoded.json.data.id).toBe('a/bü');
  });

  it.each([
    ['not HTTP', 'hello\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    ['of an unknown method', 'BREW /things/1 HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    ['with a header without a name', 'GET /things/1 HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    ['without a Host header', 'GET /things/1 HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    [
      'with two lengths',
      'POST /guarded HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'REQUEST_MALFORMED',
    ],
    ['with two Host headers', 'GET /things/1 HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    ['with one Host twice, HTTP/1.0', 'GET /things/1 HTTP/1.0\r\nHost: x\r\nhOST: x\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    [
      'with two keys',
      'GET /things/1 HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n',
      400,
      'REQUEST_MALFORMED',
    ],
    [
      'with two idempotency keys',
      'POST /guarded HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n',
      400,
      'REQUEST_MALFORMED',
    ],
    ['with a URL of 20 kB', `GET /things/${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    [
      'with headers of 20 kB',
      `GET /things/1 HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
    ['TRACE', 'TRACE /things/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 405, 'METHOD_NOT_ALLOWED'],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404, 'ROUTE_NOT_FOUND'],
  ])(
    'When the request is %s, then the response has the error envelope and the connection closes',
    async (_, text, status, code) => {
      const { url } = await start();

      const answer = await raw(url, text);

      expect([answer.status, answer.json.success, answer.json.error.code]).toEqual([status, false, code]);
      expect(answer.head).toMatch(/^connection: close\r?$/im);
      expect(answer.head).toContain(`x-request-id: ${answer.json.error.request_id}`);
      expect(answer.head).toMatch(/x-content-type-options: nosniff/i);
    },
  );

  it('When the request line contains the whole URL, then the request is routed by its path', async () => {
    const { url } = await start();

    const answer = await raw(url, `GET ${url}/things/7?limit=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);

    expect([answer.status, answer.json.data.id]).toEqual([200, '7']);
  });
});

describe('headers and stops', () => {
  it('When a caller behind a proxy sends 1,200 small headers, then the server still knows the address of the caller', async () => {
    const { url } = await start({ FREEFACE_RATE_LIMIT_PER_ADDRESS: '1', FREEFACE_TRUSTED_PROXIES: '1' });
    const padding = Array.from({ length: 1200 }, (_, i) => `a${i}:\r\n`).join('');
    const from = async (address: string) => {
      const text = `POST /guarded HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${padding}X-Forwarded-For: ${address}\r\n\r\n`;
      return (await raw(url, text)).status;
    };

    const statuses = [await from('1.1.1.1'), await from('2.2.2.2'), await from('1.1.1.1')];

    expect(statuses).toEqual([401, 401, 429]);
  });

  it('When the server stops, then requests that are on the way in new and in idle connections get their response', async () => {
    const platform = await start();
    const port = Number(new URL(platform.url).port);
    const idle = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const socket = connect(port, '127.0.0.1');
        socket.write('GET /things/0 HTTP/1.1\r\nHost: x\r\n\r\n');
        await once(socket, 'data');
        return socket;
      }),
    );
    const fresh = Array.from({ length: 100 }, () => connect(port, '127.0.0.1'));
    const answers = [...idle, ...fresh].map(async (socket) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      const failed = new Promise((resolve) => socket.once('error', resolve));
      socket.write('GET /things/1 HTTP/1.1\r\nHost: x\r\n\r\n');
      await Promise.race([once(socket, 'close'), failed]);
      return /^HTTP\/1.1 200/.test(text) && /connection: close/i.test(text);
    });
    // The sockets connect in the next tick; the server has no turn to accept them before it stops.
    await new Promise((resolve) => process.nextTick(resolve));

    await platform.close();

    expect(await Promise.all(answers)).toEqual(answers.map(() => true));
    await expect(fetch(`${platform.url}/things/1`)).rejects.toThrow();
  });
});

describe('rejected requests with large bodies', () => {
  it('When an unauthenticated client sends 20 MB, then 401 arrives before the body ends and the connection stays open', async () => {
    const { url } = await start();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const size = 20_000_000;
    socket.write(`POST /guarded HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: ${size}\r\n\r\n`);
    socket.write(Buffer.alloc(1000));

    const [refusal] = (await once(socket, 'data')) as [Buffer];
    for (let sent = 1000; sent < size; sent += 1_000_000) {
      if (!socket.write(Buffer.alloc(Math.min(1_000_000, size - sent)))) await once(socket, 'drain');
    }
    socket.write('GET /things/1 HTTP/1.1\r\nHost: x\r\n\r\n');
    const [next] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();

    expect(refusal.toString()).toMatch(/^HTTP\/1.1 401 /);
    expect(next.toString()).toMatch(/^HTTP\/1.1 200 /);
  });

  it('When the memory for bodies is used up, then 429 with a retry time arrives before the body ends', async () => {
    const { call, url, adminKey } = await start({ FREEFACE_MAX_HELD_BYTES: '1048576' });
    const body = Buffer.alloc(3_000_000);
    const headers = { 'content-type': 'image/png', authorization: `Bearer ${adminKey}` };

    const sending = request(`${url}/guarded`, { method: 'POST', headers: { ...headers, 'content-length': 3_000_000 } });
    sending.write(body.subarray(0, 2_000_000));
    const [early] = await once(sending, 'response');
    sending.destroy();
    const whole = await call('POST', '/guarded', { body, headers });
    const small = await call('POST', '/guarded', { body: body.subarray(0, 500_000), headers });

    expect([early.statusCode, early.headers['retry-after']]).toEqual([429, '1']);
    expect([whole.status, whole.json.error.code]).toEqual([429, 'BUSY']);
    expect([small.status, small.json.data.bytes]).toEqual([200, 500_000]);
  });

  it('When a client sends Expect: 100-continue, then it gets 100 only if the server reads the body', async () => {
    const { url, adminKey } = await start();
    const ask = async (authorization: string) => {
      const headers = { 'content-type': 'image/png', 'content-length': 5, expect: '100-continue', authorization };
      const asking = request(`${url}/guarded`, { method: 'POST', headers });
      let wanted = false;
      asking.on('continue', () => {
        wanted = true;
        asking.end('hello');
      });
      asking.flushHeaders();
      const [answer] = await once(asking, 'response');
      asking.destroy();
      return [answer.statusCode, wanted];
    };

    expect([await ask(`Bearer ${adminKey}`), await ask('Bearer wrong')]).toEqual([
      [200, true],
      [401, false],
    ]);
  });
});

/** Sends `text` unchanged and reads until the server closes the connection. */
async function raw(url: string, text: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.write(text);
  await once(socket, 'close');
  const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  return { head, status: Number(head.split(' ')[1]), json: JSON.parse(body) };
}
