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

describe('The bell of the outbox', () => {
  it('When something was written, then the publisher is called as its schedule calls it', async () => {
    outboxBell(url, context())();

    await vi.waitFor(() => expect(calls.map(({ type }) => type)).toEqual(['dev.knative.sources.ping']));
    calls[0]!.answer(204);
  });

  it('When more is written meanwhile, then it is called once more afterwards, whatever came of the first', async () => {
    const ring = outboxBell(url, context());

    ring();
    await vi.waitFor(() => expect(calls.length).toBe(1));
    ring();
    ring();
    ring();
    calls[0]!.answer(503);

    await vi.waitFor(() => expect(calls.length).toBe(2));
    calls[1]!.answer(204);
    ring();
    await vi.waitFor(() => expect(calls.length).toBe(3));
    calls[2]!.answer(204);
  });

  it('When the publisher fails, then it is called again after growing pauses, four times at most, and anew once something is written', async () => {
    const ring = outboxBell(url, context());
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

    ring();
    for (const pauseMs of [0, 500, 1000, 2000]) await failAfter(pauseMs);
    await vi.waitFor(async () => {
      ring();
      await clock.turn();
      expect(calls.length).toBe(5);
    });

    calls[4]!.answer(204);
    expect(clock.pending).toBe(0);
  });
});
