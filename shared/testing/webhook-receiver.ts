import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface ReceivedCall {
  readonly headers: IncomingHttpHeaders & Record<string, string>;
  readonly body: string;
  readonly path: string;
}

export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly calls: readonly ReceivedCall[];
  /** Resolves when at least `count` calls have arrived. */
  received(count: number): Promise<readonly ReceivedCall[]>;
}

/** Chooses the response to a call: a status, or a status with headers; may be asynchronous. */
export type Answerer = (
  call: ReceivedCall,
  index: number,
) => number | { status: number; headers: Record<string, string> } | Promise<number>;

/** Starts a real HTTP server, on the loopback by default, and closes it when the test ends. */
export async function startReceiver(answer: Answerer = () => 204, host = '127.0.0.1'): Promise<Receiver> {
  const calls: ReceivedCall[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const call = { headers: request.headers as ReceivedCall['headers'], body, path: request.url ?? '' };
    calls.push(call);
    for (const wake of waiting) wake();
    const given = await answer(call, calls.length - 1);
    const { status, headers } = typeof given === 'number' ? { status: given, headers: {} } : given;
    response.writeHead(status, headers).end();
  });
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}/hook`,
    port,
    calls,
    received: (count) =>
      new Promise((resolve) => {
        const wake = () => {
          if (calls.length < count) return;
          waiting.delete(wake);
          resolve(calls);
        };
        waiting.add(wake);
        wake();
      }),
  };
}
