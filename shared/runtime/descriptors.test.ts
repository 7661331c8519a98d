import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import { defineFunction } from '../function/define.ts';
import { startPlatform } from '../testing/platform.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { connectionsWithin, descriptorLimit } from './descriptors.ts';

const things = defineFunction(
  {
    name: 'things',
    summary: 'Test',
    trigger: { kind: 'http', method: 'GET', path: '/things', scope: null },
    output: z.object({}),
    uses: [],
    resources: { cpu: '1', memory: '1Mi' },
    scale: { min: 0, max: 1 },
    concurrency: 1,
    timeoutSeconds: 10,
  },
  async () => ({ data: {} }),
);

describe('connectionsWithin', () => {
  it.each([
    [1024, 768],
    [256, 128],
    [20_000, 10_000],
    [Number.POSITIVE_INFINITY, 10_000],
  ])('When the limit is %d descriptors, then %d connections are accepted', (limit, connections) => {
    expect(connectionsWithin(limit)).toBe(connections);
  });

  it('When the process has a limit, then it is a positive number', () => {
    expect(descriptorLimit()).toBeGreaterThan(0);
  });
});

describe('connections of the server', () => {
  it('When idle connections use up the limit, then new ones are closed, and the next request after that is answered', async () => {
    const { accounts, audit, cache } = embeddedOpeners;
    const { url } = await startPlatform([things], {
      dataDir: temporaryFolder(),
      openers: { accounts, audit, cache },
      settings: { FREEFACE_MAX_CONNECTIONS: '3' },
    });
    const open = async (): Promise<Socket> => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      onTestFinished(() => void socket.destroy());
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      return socket;
    };
    const ask = async (socket: Socket): Promise<string> => {
      socket.write('GET /things HTTP/1.1\r\nHost: x\r\n\r\n');
      const [answer] = (await once(socket, 'data')) as [Buffer];
      return answer.toString().split('\r\n')[0]!;
    };
    const idle = [await open(), await open(), await open()];
    for (const socket of idle) expect(await ask(socket)).toContain('200');
    const gone = Promise.all(idle.map((socket) => once(socket, 'close')));

    const refused = await open();
    await once(refused, 'close');
    await gone;

    expect(await ask(await open())).toContain('200');
  });
});
