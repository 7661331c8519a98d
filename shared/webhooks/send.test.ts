import { request } from 'node:http';
import type { LookupFunction } from 'node:net';
import { describe, expect, it } from 'vitest';
import { webhooks } from '../domain/webhooks.ts';
import { deferred } from '../testing/deferred.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { startReceiver } from '../testing/webhook-receiver.ts';
import { allowedOf } from './addresses.ts';
import type { Address, Resolve } from './resolve.ts';
import { checkedLookup, send } from './send.ts';

const clock = fakeClock();
const loopback: Address = { address: '127.0.0.1', family: 4 };

const sendTo = (
  url: string,
  {
    allow = ['127.0.0.1'],
    signal = new AbortController().signal,
    resolve,
  }: { allow?: string[]; signal?: AbortSignal; resolve?: Resolve } = {},
) =>
  send(
    { url, headers: { 'webhook-id': 'one' }, payload: '{"a":"ü"}' },
    { clock, allowed: allowedOf(allow), signal, ...(resolve === undefined ? {} : { resolve }) },
  );

describe('sending to a webhook', () => {
  it('When the receiver answers 2xx, then the message is delivered unchanged', async () => {
    const receiver = await startReceiver(() => 201);

    const sent = await sendTo(`${receiver.url}?token=x`);

    expect(sent).toEqual({ status: 201, error: null, durationMs: expect.any(Number), retryAfterMs: 0 });
    expect(receiver.calls[0]).toMatchObject({
      body: '{"a":"ü"}',
      path: '/hook?token=x',
      headers: {
        'content-type': 'application/json',
        'content-length': '10',
        'webhook-id': 'one',
        'user-agent': 'FreeFace',
      },
    });
  });

  it.each([400, 404, 410, 429, 500, 503])(
    'When the receiver answers %i, then the message is not delivered',
    async (status) => {
      const receiver = await startReceiver(() => ({ status, headers: { 'retry-after': '120' } }));

      expect(await sendTo(receiver.url)).toMatchObject({ status, error: `answered ${status}`, retryAfterMs: 120_000 });
    },
  );

  it('When the receiver redirects, then the redirect is not followed', async () => {
    const inside = await startReceiver();
    const receiver = await startReceiver(() => ({ status: 307, headers: { location: inside.url } }));

    const sent = await sendTo(receiver.url);

    expect(sent).toMatchObject({ status: 307, error: 'answered 307; redirects are not followed' });
    expect(inside.calls).toEqual([]);
  });

  it('When the receiver does not answer in time, then the attempt ends', async () => {
    const never = deferred<number>();
    const receiver = await startReceiver(() => never.promise);

    const sending = sendTo(receiver.url);
    await receiver.received(1);
    await clock.advance(webhooks.timeoutMs);

    expect(await sending).toMatchObject({ status: null, error: 'no response in time' });
    never.resolve(204);
  });

  it('When a host name is not resolved in time, then the attempt ends', async () => {
    const asked = deferred();
    const sending = sendTo('https://hooks.example/', {
      resolve: () => {
        asked.resolve();
        return new Promise(() => undefined);
      },
    });
    await asked.promise;

    await clock.advance(webhooks.timeoutMs);

    expect(await sending).toMatchObject({ status: null, error: 'no response in time' });
  });

  it('When the connection is refused or a host name is unknown, then the error says so', async () => {
    const receiver = await startReceiver();

    const refused = await sendTo('http://127.0.0.1:1/');
    const unknown = await sendTo('https://hooks.example/', {
      resolve: () => Promise.reject(Object.assign(new Error('secret detail'), { code: 'ENOTFOUND' })),
    });

    expect(refused.error).toBe('the connection failed (ECONNREFUSED)');
    expect(unknown.error).toBe('the host name cannot be resolved');
    expect(receiver.calls).toEqual([]);
  });

  it('When the call is aborted, then it rejects with the reason', async () => {
    const never = deferred<number>();
    const receiver = await startReceiver(() => never.promise);
    const controller = new AbortController();
    const reason = new Error('stopping');

    const sending = sendTo(receiver.url, { signal: controller.signal });
    await receiver.received(1);
    controller.abort(reason);

    await expect(sending).rejects.toBe(reason);
    never.resolve(204);
  });
});

describe('requests to private addresses', () => {
  it('When a name first resolves to a public address and later to this machine, then each attempt uses only the address it checked', async () => {
    // 127.0.0.2 acts as the public address: it is allowed here, 127.0.0.1 is not.
    const outside = await startReceiver(() => 204, '127.0.0.2');
    const inside = await startReceiver();
    const answers: Address[][] = [[{ address: '127.0.0.2', family: 4 }], [loopback], [loopback]];
    let asked = 0;
    const lookup = checkedLookup(allowedOf(['127.0.0.2']), async () => answers[asked++]!);

    const first = await connect(outside.port, lookup);
    const again = await connect(outside.port, lookup);
    const other = await connect(inside.port, lookup);

    expect([first, again, other]).toEqual([204, 'refused', 'refused']);
    expect(asked).toBe(3);
    expect([outside.calls.length, inside.calls.length]).toEqual([1, 0]);
  });

  it('When one of several addresses of a name is private, then no request is sent', async () => {
    const inside = await startReceiver();

    const sent = await sendTo(`https://hooks.example/`, {
      allow: [],
      resolve: async () => [{ address: '8.8.8.8', family: 4 }, loopback],
    });

    expect(sent.error).toBe('the host name resolves to a private address, which FREEFACE_WEBHOOK_ALLOW does not list');
    expect(inside.calls).toEqual([]);
  });

  it('When the URL itself is private, then no connection is made', async () => {
    const inside = await startReceiver();

    const sent = await sendTo(inside.url, { allow: [] });

    expect(sent.error).toMatch(/^the URL must be an https URL/);
    expect((await sendTo(inside.url.replace('http', 'https'), { allow: [] })).error).toMatch(/port 443/);
    expect(inside.calls).toEqual([]);
  });
});

/** A request like that of `send`, at any port. Resolves to the status, or to the error message. */
const connect = (port: number, lookup: LookupFunction): Promise<number | string | undefined> =>
  new Promise((done) => {
    const sent = request({ host: 'rebinding.example', port, method: 'POST', agent: false, lookup }, (response) => {
      done(response.statusCode);
      response.destroy();
    });
    sent.on('error', (error) => done(error.message));
    sent.end();
  });
