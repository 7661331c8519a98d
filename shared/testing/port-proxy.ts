import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface PortProxy {
  readonly port: number;
  /** Ends all connections and refuses new ones, as a server that is down does. */
  down(): Promise<void>;
  /** Ends all connections; new ones are taken, as after a restart. */
  restart(): void;
  /** Lets nothing more through in either direction, as a server that hangs does. */
  hang(): void;
  /** Takes connections again and lets everything through. */
  up(): Promise<void>;
}

/** A way to a server of this machine that a test can cut, so that servers which others use stay up. */
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
