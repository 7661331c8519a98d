import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../telemetry/log.ts';
import { deferred } from '../testing/deferred.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { outboxBell } from './outbox-bell.ts';

let server: Server;
let url: string;
let calls: { type: string | string[] | undefined; answer(status: number): void }[];

beforeEach(async () => {
  calls = [];
  server = createServer((request, response) => {
    request.resume();
    calls.push({ type: request.headers['ce-type'], answer: (status) => void response.writeHead(status).end() });
  });
  const listening = deferred<void>();
  server.listen(0, '127.0.0.1', () => listening.resolve());
  await listening.promise;
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => void server.close().closeAllConnections());

const clock = fakeClock();
const context = () => ({ log: createLogger('silent'), newId: () => 'id', clock });

describe('outboxBell', () => {
  it('When a function writes to the outbox, then sweep-outbox receives the same event as from its schedule', async () => {
    outboxBell(url, context())();

    await vi.waitFor(() => expect(calls.map(({ type }) => type)).toEqual(['dev.knative.sources.ping']));
    calls[0]!.answer(204);
  });

  it('When there are more writes during a call, then one more call follows, even if the first call fails', async () => {
    const callPublisher = outboxBell(url, context());

    callPublisher();
    await vi.waitFor(() => expect(calls.length).toBe(1));
    callPublisher();
    callPublisher();
    callPublisher();
    calls[0]!.answer(503);

    await vi.waitFor(() => expect(calls.length).toBe(2));
    calls[1]!.answer(204);
    callPublisher();
    await vi.waitFor(() => expect(calls.length).toBe(3));
    calls[2]!.answer(204);
  });

  it('When sweep-outbox fails, then it is called four times with growing pauses, and again after the next write', async () => {
    const callPublisher = outboxBell(url, context());
    const failAfter = async (pauseMs: number) => {
      const before = calls.length;
      if (pauseMs > 0) {
        await vi.waitFor(() => expect(clock.pending).toBe(1));
        await clock.advance(pauseMs - 1);
        expect(calls.length).toBe(before);
        await clock.advance(1);
      }
      await vi.waitFor(() => expect(calls.length).toBe(before + 1));
      calls[before]!.answer(503);
    };

    callPublisher();
    for (const pauseMs of [0, 500, 1000, 2000]) await failAfter(pauseMs);
    await vi.waitFor(async () => {
      callPublisher();
      await clock.turn();
      expect(calls.length).toBe(5);
    });

    calls[4]!.answer(204);
    expect(clock.pending).toBe(0);
  });
});
