import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface PortProxy {
  readonly port: number;
  /** Closes all connections and refuses new ones, like a server that is down. */
  down(): Promise<void>;
  /** Closes all connections and accepts new ones, like a server after a restart. */
  restart(): void;
  /** Stops data in both directions, like a server that hangs. */
  hang(): void;
  /** Accepts connections again and forwards all data. */
  up(): Promise<void>;
}

/** Starts a proxy to a server that a test can cut, so that a shared server keeps running. */
export async function portProxy(target: { host: string; port: number }): Promise<PortProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const make = () =>
    createServer((client) => {
      const server = connect(target.port, target.host);
      const pair = [client, server] as const;
      pairs.add(pair);
      for (const socket of pair) {
        socket.on('error', () => undefined);
        socket.on('close', () => {
          pairs.delete(pair);
          for (const each of pair) each.destroy();
        });
      }
      if (hanging) return;
      client.pipe(server);
      server.pipe(client);
    });
  let hanging = false;
  let server = make();
  const listenOn = async (port: number) => {
    server = make();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  await listenOn(0);
  const { port } = server.address() as AddressInfo;
  const down = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  };
  onTestFinished(down);
  return {
    port,
    down,
    restart: cut,
    hang() {
      hanging = true;
      for (const [client, upstream] of pairs) {
        client.unpipe(upstream);
        upstream.unpipe(client);
        client.pause();
        upstream.pause();
      }
    },
    async up() {
      if (hanging) cut();
      hanging = false;
      if (!server.listening) await listenOn(port);
    },
  };
}
