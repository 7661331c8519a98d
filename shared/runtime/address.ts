import { createServer } from 'node:net';

export interface Address {
  /** A name or an IP address of this machine. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Listens on the address and stops again, so a wrong setting fails before the slow part of the start. Errors: as `explainListenError`. */
export async function tryAddress({ host, port }: Address): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explainListenError(error, { host, port })));
    server.listen(port, host, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}

/** Returns the system's error with a message that names the setting to change. */
export function explainListenError(error: NodeJS.ErrnoException, { host, port }: Address): Error {
  const { code, message } = error;
  const because = { cause: error };
  switch (code) {
    case 'EADDRINUSE':
      return new Error(`Port ${port} on ${host} is in use; set PORT to another port.`, because);
    case 'EACCES':
      return new Error(
        `This user may not listen on port ${port} of ${host}; set PORT to a number above 1023.`,
        because,
      );
    case 'EADDRNOTAVAIL':
    case 'EINVAL':
    case 'EAFNOSUPPORT':
      return new Error(
        `${host} is not an address of this machine; set HOST to one of its addresses, such as 127.0.0.1, or to 0.0.0.0 for all.`,
        because,
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new Error(`The host name ${host} cannot be resolved; set HOST to an address of this machine.`, because);
    default:
      return new Error(`The server cannot listen on ${host}, port ${port} (${message}); check HOST and PORT.`, because);
  }
}
