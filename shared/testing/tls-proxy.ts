import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './temporary-folder.ts';

export interface TlsProxy {
  readonly port: number;
  /** PEM file of the CA that signed its certificate. */
  readonly ca: string;
}

/**
 * Adds TLS in front of a server that speaks plain TCP. `name`: subject of the certificate, as `IP:127.0.0.1` or `DNS:localhost`; a CA
 * made for the test signs it.
 */
export async function tlsProxy(target: { host: string; port: number }, name = 'IP:127.0.0.1'): Promise<TlsProxy> {
  const folder = temporaryFolder();
  const at = (file: string) => join(folder, file);
  const certify = (file: string, ...more: string[]) =>
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-subj', `/CN=${file}`, '-keyout', at(`${file}.key`), '-out', at(`${file}.pem`), ...more],
      ],
      { stdio: 'pipe' },
    );
  certify('ca');
  certify('server', '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-addext', `subjectAltName=${name}`);

  const sockets = new Set<Socket>();
  const server = createServer({
    key: readFileSync(at('server.key')),
    cert: readFileSync(at('server.pem')),
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  server.on('secureConnection', (client) => {
    const upstream = connect(target.port, target.host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.pipe(client);
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, ca: at('ca.pem') };
}
