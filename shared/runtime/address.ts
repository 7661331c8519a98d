import { createServer } from 'node:net';

export interface Address {
  /** A name or an IP address of this machine. */
  readonly host: string;
  /** 0: any. */
  readonly port: number;
}

/** Listens for a moment, so that what is wrong comes to light before work is done for nothing. Errors: those of `explainListenError`. */
export async function tryAddress({ host, port }: Address): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explainListenError(error, { host, port })));
    server.listen(port, host, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}

/** What the system says when it does not let a server listen, with the setting that helps. */
export function explainListenError(error: NodeJS.ErrnoException, { host, port }: Address): Error {
  const { code, message } = error;
  const because = { cause: error };
  switch (code) {
    case 'EADDRINUSE':
      return new Error(`Port ${port} on ${host} is in use; set PORT to another.`, because);
    case 'EACCES':
      return new Error(`Port ${port} on ${host} may not be used by this user; set PORT to one above 1023.`, because);
    case 'EADDRNOTAVAIL':
    case 'EINVAL':
    case 'EAFNOSUPPORT':
      return new Error(
        `${host} is not an address of this machine; set HOST to one, e.g. 127.0.0.1, or 0.0.0.0 for all.`,
        because,
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new Error(`The name ${host} is not known here; set HOST to an address of this machine.`, because);
    default:
      return new Error(`It cannot listen on ${host}, port ${port} (${message}); see HOST and PORT.`, because);
  }
}
