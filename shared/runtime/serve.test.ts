import { CloudEvent, HTTP } from 'cloudevents';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import { AppError } from '../errors.ts';
import { createContext } from '../function/context.ts';
import { defineFunction, type FunctionDefinition } from '../function/define.ts';
import type { Openers } from '../function/ports.ts';
import { createLogger } from '../telemetry/log.ts';
import { deferred } from '../testing/deferred.ts';
import { send, testConfig } from '../testing/platform.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { front as cron } from './front-cron.ts';
import { front as event } from './front-event.ts';
import { front as http } from './front-http.ts';
import { serve } from './serve.ts';

const rest = {
  resources: { cpu: '1', memory: '1Mi' },
  scale: { min: 0, max: 1 },
  concurrency: 1,
  timeoutSeconds: 10,
} as const;

const hello = defineFunction(
  {
    ...rest,
    name: 'hello',
    summary: 'Hello',
    trigger: { kind: 'http', method: 'GET', path: '/hello', scope: null },
    uses: [],
    output: z.object({ hello: z.string() }),
  },
  async () => ({ data: { hello: 'world' } }),
);

/** Replies with the length of the image. The event attribute `how` selects a failure or no reply. */
const measure = defineFunction(
  {
    ...rest,
    name: 'measure',
    summary: 'Measure',
    trigger: { kind: 'event', type: 'freeface.image.extract.v1', topic: null },
    uses: [],
  },
  async ({ event, bytes }) => {
    if (event.how === 'transient') throw new AppError('STORE_UNAVAILABLE');
    if (event.how === 'poison') throw new AppError('FACE_NOT_FOUND');
    if (event.how === 'bug') throw new Error('a bug');
    if (event.how === 'silent') return undefined;
    return new CloudEvent({
      type: 'freeface.image.extracted.v1',
      source: '/test',
      data: { length: bytes?.length ?? -1, given: event.data },
    });
  },
);

const sweep = (run: () => Promise<Record<string, number>>) =>
  defineFunction(
    { ...rest, name: 'sweep', summary: 'Sweep', trigger: { kind: 'cron', everyMinutes: 1 }, uses: [] },
    run,
  );

const fronts = { http, event, cron };

async function start(definition: FunctionDefinition, openers: Openers = {}) {
  const context = createContext(testConfig(temporaryFolder()), { log: createLogger('silent') });
  const running = await serve(
    definition,
    fronts[definition.manifest.trigger.kind],
    { cache: embeddedOpeners.cache, ...openers },
    context,
  );
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= running.close());
  onTestFinished(close);
  return { ...running, close, url: `http://127.0.0.1:${running.port}` };
}

const post = async (url: string, event: CloudEvent<unknown>, contentType?: string) => {
  const message = HTTP.binary(event);
  const headers = {
    ...(message.headers as Record<string, string>),
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
  };
  const body = event.data instanceof Uint8Array ? event.data : (message.body as string);
  return send(url, 'POST', '/', { headers, ...(body === undefined ? {} : { body }) });
};

const eventWith = (fields: Record<string, unknown>) =>
  new CloudEvent({ id: 'e1', type: 'freeface.image.extract.v1', source: '/test', ...fields });

describe('serve', () => {
  it('When a function is served, then its route, its probes and its metrics respond', async () => {
    const { url, ready } = await start(hello);
    await ready;

    const answers = await Promise.all(
      ['/hello', '/health/liveness', '/health/readiness', '/metrics', '/'].map((path) => send(url, 'GET', path)),
    );

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 404]);
    expect(answers[0]!.json).toEqual({ success: true, data: { hello: 'world' } });
    expect(Buffer.from(answers[3]!.bytes).toString()).toContain('freeface_http_requests_total{function="hello"');
  });

  it('When a port is not open yet, then the function is alive and not ready, and responds with 503', async () => {
    const opening = deferred<never>();
    const definition = { ...hello, manifest: { ...hello.manifest, uses: ['cache' as const] } } as FunctionDefinition;
    const { url, ready } = await start(definition, { cache: () => opening.promise });

    const answers = await Promise.all(
      ['/health/liveness', '/health/readiness', '/hello'].map((path) => send(url, 'GET', path)),
    );
    opening.reject(new Error('no cache'));

    expect(answers.map(({ status }) => status)).toEqual([200, 503, 503]);
    expect([answers[2]!.json.error.code, answers[2]!.headers.get('retry-after')]).toEqual(['NOT_READY', '1']);
    await expect(ready).rejects.toThrow('no cache');
  });

  it('When an event arrives in binary mode, then the reply is an event', async () => {
    const { url, ready } = await start(measure);
    await ready;

    const answer = await post(
      url,
      eventWith({ data: Buffer.from([0xff, 0xd8, 0x00]), datacontenttype: 'image/jpeg' }),
      'image/jpeg',
    );

    expect(answer.status).toBe(200);
    expect(answer.headers.get('ce-type')).toBe('freeface.image.extracted.v1');
    expect(answer.json).toMatchObject({ length: 3 });
  });

  it('When an event arrives in structured mode, then the handler receives its data', async () => {
    const { url, ready } = await start(measure);
    await ready;
    const message = HTTP.structured(eventWith({ data: { a: 1 } }));

    const answer = await send(url, 'POST', '/', {
      headers: message.headers as Record<string, string>,
      body: message.body as string,
    });

    expect([answer.status, answer.json]).toEqual([200, { length: -1, given: { a: 1 } }]);
  });

  it.each([
    ['succeeds without a reply', 'silent', 204],
    ['fails with a temporary error', 'transient', 503],
    ['fails with an unexpected error', 'bug', 503],
    ['fails with a permanent error', 'poison', 422, 'FACE_NOT_FOUND'],
  ])(
    'When a handler %s, then the status informs the broker, and a dead letter gets the error code as body',
    async (_, how, status, why = '') => {
      const { url, ready } = await start(measure);
      await ready;

      const answer = await post(url, eventWith({ how, data: {} }));

      expect([answer.status, Buffer.from(answer.bytes).toString()]).toEqual([status, why]);
    },
  );

  it('When a request is not an event, then the response is 422 without a body', async () => {
    const { url, ready } = await start(measure);
    await ready;

    const answer = await send(url, 'POST', '/', { body: 'hello' });

    expect([answer.status, answer.bytes.length]).toEqual([422, 0]);
  });

  it('When a schedule calls, then the function runs, and a failed run responds with 503', async () => {
    let runs = 0;
    const { url, ready } = await start(
      sweep(async () => {
        runs += 1;
        if (runs === 2) throw new Error('not today');
        return { runs };
      }),
    );
    await ready;

    const statuses = [await send(url, 'POST', '/'), await send(url, 'POST', '/')].map(({ status }) => status);

    expect([statuses, runs]).toEqual([[204, 503], 2]);
  });

  it('When the function is stopped during a request, then the request gets its response first', async () => {
    const entered = deferred<void>();
    const leave = deferred<void>();
    const slow = defineFunction({ ...hello.manifest, name: 'slow' }, async () => {
      entered.resolve();
      await leave.promise;
      return { data: { hello: 'late' } };
    });
    const { url, ready, close } = await start(slow);
    await ready;

    const answering = send(url, 'GET', '/hello');
    await entered.promise;
    const closing = close();
    leave.resolve();

    expect((await answering).json.data).toEqual({ hello: 'late' });
    await closing;
    await expect(send(url, 'GET', '/hello')).rejects.toThrow();
  });
});
