import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { AppError } from '../errors.ts';
import { defineFunction } from '../function/define.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { type PlatformOptions, startPlatform } from '../testing/platform.ts';

const rest = {
  uses: [],
  resources: { cpu: '1', memory: '1Mi' },
  scale: { min: 0, max: 1 },
  concurrency: 1,
  timeoutSeconds: 10,
} as const;

/** Responds with its input. */
const echo = defineFunction(
  {
    ...rest,
    name: 'echo',
    summary: 'Echo',
    trigger: { kind: 'http', method: 'POST', path: '/echo/{id}', scope: null },
    params: z.object({ id: z.string().regex(/^[a-z]+$/, 'must be letters') }),
    query: z.object({ limit: z.number().int().max(9).default(3) }),
    body: z.object({
      label: z.string().max(10).optional(),
      tags: z.array(z.string()).optional(),
      options: z.strictObject({ deep: z.boolean().default(false) }).prefault({}),
    }),
    image: 'required',
    output: z.object({ id: z.string(), limit: z.number(), body: z.unknown(), image: z.string() }),
  },
  async ({ params, query, body, image }) => ({
    data: { id: params.id, limit: query.limit, body, image: Buffer.from(image).toString('latin1') },
  }),
);

/** Accepts only JSON. */
const plain = defineFunction(
  {
    ...rest,
    name: 'plain',
    summary: 'Plain',
    trigger: { kind: 'http', method: 'PUT', path: '/plain', scope: null },
    body: z.object({ metadata: z.record(z.string(), z.json()).optional() }),
    output: z.object({ keys: z.array(z.string()) }),
  },
  async ({ body }) => ({ data: { keys: Object.keys(body.metadata ?? {}) } }),
);

const failing = defineFunction(
  {
    ...rest,
    name: 'failing',
    summary: 'Fail',
    trigger: { kind: 'http', method: 'GET', path: '/failing/{how}', scope: null },
    params: z.object({ how: z.string() }),
    output: z.object({ fine: z.boolean() }),
  },
  async ({ params: { how }, signal }) => {
    if (how === 'busy') throw new AppError('BUSY', { retryAfter: 7 });
    if (how === 'hang')
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    if (how === 'deaf') return new Promise(() => {});
    if (how === 'undeclared') return { data: { fine: 'no' } as never };
    throw new Error('the password is swordfish');
  },
);

const start = (options: PlatformOptions = {}) => startPlatform([echo, plain, failing], { openers: {}, ...options });
const picture = Buffer.from('picture');

describe('the HTTP pipeline', () => {
  it('When an image is sent as JSON, as a form or as the raw body, then the handler receives the same input', async () => {
    const { call } = await start();
    const fields = { label: 'cat', tags: ['a', 'b'], options: { deep: true } };

    const asJson = await call('POST', '/echo/x?limit=5', {
      json: { ...fields, image_data: `data:image/jpeg;base64,${picture.toString('base64')}` },
    });
    const asForm = await call('POST', '/echo/x?limit=5', {
      form: { label: 'cat', tags: 'a,b', 'options.deep': 'true', image: picture },
    });
    const asRaw = await call('POST', '/echo/x?limit=5&label=cat&tags=a,b&options=%7B%22deep%22:true%7D', {
      body: picture,
      headers: { 'content-type': 'image/png' },
    });

    const data = { id: 'x', limit: 5, body: fields, image: 'picture' };
    expect(asJson.json).toEqual({ success: true, data });
    expect(asForm.json).toEqual({ success: true, data });
    expect(asRaw.json).toEqual({ success: true, data });
  });

  it('When the part `image` has no file name, then its bytes are the image', async () => {
    const { call } = await start();
    const bytes = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0x10, 0x4a, 0x46, 0x80]);
    const part = (type: string) =>
      Buffer.concat([
        Buffer.from(`--b\r\nContent-Disposition: form-data; name="image"\r\n${type}\r\n`),
        bytes,
        Buffer.from('\r\n--b\r\nContent-Disposition: form-data; name="label"\r\n\r\ncat\r\n--b--\r\n'),
      ]);

    for (const type of ['', 'Content-Type: image/jpeg\r\n']) {
      const { status, json } = await call('POST', '/echo/x', {
        body: part(type),
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
      });
      expect([status, json.data.image]).toEqual([200, bytes.toString('latin1')]);
    }
  });

  it.each([
    [
      'the image is text, as from curl without @',
      'name="image"\r\n\r\nphoto.jpg',
      'b',
      /^image is text, .*-F image=@photo\.jpg/,
    ],
    ['the Content-Type has no boundary', 'name="label"\r\n\r\ncat', '', /no boundary; do not set this header yourself/],
    ['the form ends early', 'name="label"\r\n\r\ncat', 'c', /^The form is incomplete: its last boundary is missing/],
  ])('When %s, then the error says what to change', async (_what, part, boundary, message) => {
    const { call } = await start();

    const { status, json } = await call('POST', '/echo/x', {
      body: `--b\r\nContent-Disposition: form-data; ${part}\r\n--b--\r\n`,
      headers: { 'content-type': `multipart/form-data${boundary && `; boundary=${boundary}`}` },
    });

    expect(status).toBe(400);
    expect(json.message).toMatch(message);
  });

  it('When a path has no route, then the log line has the path without its query', async () => {
    const { call, logs } = await start();

    await call('GET', '/api/v1/facs/enroll?name=ada');

    expect(logs.find(({ code }) => code === 'ROUTE_NOT_FOUND')).toMatchObject({
      method: 'GET',
      path: '/api/v1/facs/enroll',
      status: 404,
    });
  });

  it('When fields are unknown, missing or wrong, then 400 names each of them', async () => {
    const { call } = await start();

    const answer = await call('POST', '/echo/x', {
      json: { image_data: 'AAAA', lable: 'cat', label: 7, options: { deeep: true } },
    });

    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({
      success: false,
      error: { code: 'VALIDATION_FAILED', request_id: expect.any(String) },
    });
    expect(answer.json.error.details.map(({ field }: { field: string }) => field).sort()).toEqual([
      'label',
      'lable',
      'options.deeep',
    ]);
  });

  it('When a query field is unknown or a path id has the wrong format, then 400 names it', async () => {
    const { call } = await start();

    const query = await call('POST', '/echo/x?limt=3', { json: { image_data: 'AAAA' } });
    const id = await call('POST', '/echo/X1', { json: { image_data: 'AAAA' } });

    expect([query.status, query.json.error.code, query.json.error.details]).toEqual([
      400,
      'VALIDATION_FAILED',
      [{ field: 'limt', issue: 'is unknown' }],
    ]);
    expect([id.status, id.json.error.code, id.json.error.details]).toEqual([
      400,
      'ID_MALFORMED',
      [{ field: 'id', issue: 'must be letters' }],
    ]);
  });

  it.each([
    ['the body is empty', '/echo/x', { body: '' }, 400, 'IMAGE_MISSING'],
    [
      'the body is empty JSON',
      '/echo/x',
      { body: '', headers: { 'content-type': 'application/json' } },
      400,
      'BODY_MALFORMED',
    ],
    [
      'the JSON is broken',
      '/echo/x',
      { body: '{"a":', headers: { 'content-type': 'application/json' } },
      400,
      'BODY_MALFORMED',
    ],
    ['the JSON is not an object', '/echo/x', { json: [1] }, 400, 'BODY_MALFORMED'],
    [
      'the JSON is not UTF-8',
      '/echo/x',
      { body: Buffer.from('{"label":"\xff"}', 'latin1'), headers: { 'content-type': 'application/json' } },
      400,
      'BODY_MALFORMED',
    ],
    ['the JSON has no image', '/echo/x', { json: {} }, 400, 'IMAGE_MISSING'],
    ['the base64 text is broken', '/echo/x', { json: { image_data: 'AA*A' } }, 400, 'VALIDATION_FAILED'],
    ['image_data is not a string', '/echo/x', { json: { image_data: 5 } }, 400, 'VALIDATION_FAILED'],
    ['the base64 text is empty', '/echo/x', { json: { image_data: '' } }, 400, 'EMPTY_IMAGE'],
    [
      'the form has no boundary',
      '/echo/x',
      { body: 'x', headers: { 'content-type': 'multipart/form-data' } },
      400,
      'BODY_MALFORMED',
    ],
    [
      'the form ends early',
      '/echo/x',
      {
        body: '--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nxx',
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
      },
      400,
      'BODY_MALFORMED',
    ],
    ['the file has another name', '/echo/x', { form: { photo: picture } }, 400, 'VALIDATION_FAILED'],
    [
      'the content type is not supported',
      '/echo/x',
      { body: 'x', headers: { 'content-type': 'text/csv' } },
      415,
      'MEDIA_TYPE_UNSUPPORTED',
    ],
    [
      'an image is sent instead of JSON',
      '/plain',
      { body: 'x', headers: { 'content-type': 'image/png' } },
      415,
      'MEDIA_TYPE_UNSUPPORTED',
    ],
    [
      'the image is larger than allowed',
      '/echo/x',
      { body: Buffer.alloc(5000), headers: { 'content-type': 'image/png' } },
      413,
      'IMAGE_TOO_LARGE',
    ],
    [
      'the base64 image is larger than allowed',
      '/echo/x',
      { json: { image_data: Buffer.alloc(5000).toString('base64') } },
      413,
      'IMAGE_TOO_LARGE',
    ],
    [
      'the image of a form is larger than allowed',
      '/echo/x',
      { form: { image: Buffer.alloc(5000) } },
      413,
      'IMAGE_TOO_LARGE',
    ],
    [
      'the body is far larger than allowed',
      '/echo/x',
      { body: Buffer.alloc(3_000_000), headers: { 'content-type': 'application/json' } },
      413,
      'BODY_TOO_LARGE',
    ],
    [
      'the JSON is nested too deeply',
      '/plain',
      {
        body: `{"metadata":${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}}`,
        headers: { 'content-type': 'application/json' },
      },
      400,
      'BODY_MALFORMED',
    ],
  ])('When %s, then the request is refused with the right code', async (_, path, options, status, code) => {
    const { call } = await start({ settings: { FREEFACE_MAX_IMAGE_BYTES: '4096' } });

    const answer = await call(path === '/plain' ? 'PUT' : 'POST', path, options);

    expect([answer.status, answer.json?.error.code]).toEqual([status, code]);
    expect(answer.json.success).toBe(false);
  });

  it('When metadata has a key __proto__, then no prototype changes', async () => {
    const { call } = await start();

    const answer = await call('PUT', '/plain', {
      body: '{"metadata":{"__proto__":{"polluted":true},"a":1}}',
      headers: { 'content-type': 'application/json' },
    });

    expect(answer.status).toBe(200);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('When the path is unknown or the method is wrong, then the response is 404, or 405 with Allow', async () => {
    const { call } = await start();

    const nothing = await call('GET', '/nowhere');
    const wrongMethod = await call('GET', '/plain');

    expect([nothing.status, nothing.json.error.code]).toEqual([404, 'ROUTE_NOT_FOUND']);
    expect([wrongMethod.status, wrongMethod.headers.get('allow'), wrongMethod.json.error.code]).toEqual([
      405,
      'PUT',
      'METHOD_NOT_ALLOWED',
    ]);
    expect(nothing.headers.get('x-request-id')).toBe(nothing.json.error.request_id);
  });

  it('When a handler fails, then only the log has the internal details', async () => {
    const { call, logs } = await start();

    const answer = await call('GET', '/failing/somehow', { headers: { 'x-request-id': 'abc-123' } });

    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({
      success: false,
      message: 'Something went wrong.',
      error: { code: 'INTERNAL', request_id: 'abc-123' },
    });
    expect(answer.headers.get('x-request-id')).toBe('abc-123');
    expect(logs).toContainEqual(
      expect.objectContaining({
        level: 'error',
        request_id: 'abc-123',
        function: 'failing',
        err: expect.objectContaining({ message: 'the password is swordfish' }),
      }),
    );
    expect(logs).toContainEqual(
      expect.objectContaining({ msg: 'answered', method: 'GET', path: '/failing/{how}', status: 500 }),
    );
  });

  it('When the request id of a caller is not well-formed, then it is replaced', async () => {
    const { call } = await start();

    const answer = await call('GET', '/failing/busy', { headers: { 'x-request-id': 'a b"c' } });

    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('When the service is busy, then the response is 429 with Retry-After', async () => {
    const { call } = await start();

    const answer = await call('GET', '/failing/busy');

    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7']);
  });

  it.each(['hang', 'deaf'])('When a handler takes too long (%s), then the response is 504', async (how) => {
    const clock = fakeClock();
    const { call } = await start({ clock });

    const pending = call('GET', `/failing/${how}`);
    await clock.until(() => clock.pending > 0);
    await clock.advance(10_000);
    const answer = await pending;

    expect([answer.status, answer.json.error.code]).toEqual([504, 'TIMEOUT']);
    expect(clock.pending).toBe(0);
  });

  it('When a handler returns data that its manifest does not declare, then a test run fails with 500', async () => {
    const { call } = await start();

    const answer = await call('GET', '/failing/undeclared');

    expect(answer.status).toBe(500);
  });

  it('When a request has a trace, then the response and the log continue it', async () => {
    const { call, logs } = await start();
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

    const answer = await call('GET', '/failing/busy', { headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` } });

    expect(answer.headers.get('traceparent')).toMatch(new RegExp(`^00-${trace}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
    expect(logs).toContainEqual(expect.objectContaining({ msg: 'answered', trace_id: trace }));
  });

  it('When the pipeline responds, then the metrics count the request', async () => {
    const { call, context } = await start();
    await call('GET', '/failing/busy');

    const { text } = await context.metrics.text(undefined, []);

    expect(text).toContain('freeface_http_requests_total{function="failing",method="GET",status="429"} 1');
  });

  it('When a body arrives too slowly, then the response is 504 and the process goes on', async () => {
    const clock = fakeClock();
    const { url, call } = await start({ clock });
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())));

    socket.write('PUT /plain HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{');
    await clock.until(() => clock.pending > 0);
    await clock.advance(10_000);
    const answer = await answered;
    socket.destroy();

    expect(answer).toMatch(/^HTTP\/1.1 504 /);
    expect((await call('PUT', '/plain', { json: {} })).status).toBe(200);
  });

  it('When a caller disconnects, then no error is logged', async () => {
    const clock = fakeClock();
    const { url, logs } = await start({ clock });
    const abort = new AbortController();

    const left = fetch(`${url}/failing/hang`, { signal: abort.signal }).catch(() => 'left');
    await waitFor(() => clock.pending > 0);
    abort.abort();
    await left;
    await waitFor(() => logs.some(({ msg }) => msg === 'answered'));

    expect(logs.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('When bodies exceed the memory budget, then the response is 429 with Retry-After, and the budget is free again', async () => {
    const { call } = await start({ settings: { FREEFACE_MAX_HELD_BYTES: '1048576' } });
    const upload = (bytes: number) =>
      call('POST', '/echo/x', { body: Buffer.alloc(bytes), headers: { 'content-type': 'image/png' } });

    const tooMuch = await upload(1_200_000);
    const afterwards = [await upload(600_000), await upload(600_000)];

    expect([tooMuch.status, tooMuch.json.error.code, tooMuch.headers.get('retry-after')]).toEqual([429, 'BUSY', '1']);
    expect(afterwards.map(({ status }) => status)).toEqual([200, 200]);
  });

  it('When JSON has too many tokens, then it is refused before it is parsed', async () => {
    const { call } = await start();
    const tokens = `{"metadata":{${Array.from({ length: 4000 }, (_, i) => `"k${i}":[1,2,3,4,5,6,7,8]`).join(',')}}}`;

    const answer = await call('POST', '/echo/x', { body: tokens, headers: { 'content-type': 'application/json' } });

    expect([answer.status, answer.json.error.code]).toEqual([413, 'BODY_TOO_LARGE']);
  });

  it('When strings contain quotes and backslashes, then they count as strings', async () => {
    const { call } = await start();
    const label = '"\\\\"';

    const answer = await call('PUT', '/plain', { json: { metadata: { [label]: '"{[,]}'.repeat(2000) } } });

    expect(answer.json.data.keys).toEqual([label]);
  });
});

/** Waits until `condition` is true. */
async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
