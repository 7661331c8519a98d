import type { PortName, Ports } from '../ports/index.ts';
import type { RuntimeContext } from './context.ts';
import { observePort } from './observe-port.ts';

/** Functions that open the ports. A bundle contains only the openers of the ports that its function needs. */
export type Openers = { readonly [Name in PortName]?: (context: RuntimeContext) => Promise<Ports[Name]> };

export interface OpenPorts {
  readonly ports: Partial<Ports>;
  /** Closes the ports in reverse order. If one fails to close, the error is logged and the others are closed. */
  close(): Promise<void>;
}

/** Opens the named ports one after another. If one fails to open, the open ports are closed and the error is thrown. */
export async function openPorts(
  names: Iterable<PortName>,
  openers: Openers,
  context: RuntimeContext,
): Promise<OpenPorts> {
  const opened: [PortName, Ports[PortName]][] = [];
  const close = async () => {
    for (const [name, port] of opened.splice(0).reverse()) {
      await port
        .close()
        .catch((error: unknown) => context.log.error({ err: error, port: name }, 'closing a port failed'));
    }
  };
  try {
    for (const name of new Set(names)) {
      const open = openers[name];
      if (open === undefined) throw new Error(`The port ${name} has no opener in this process.`);
      opened.push([name, observePort(name, await open(context), context.metrics)]);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { ports: Object.fromEntries(opened), close };
}

/** Returns only the named ports. */
export function pickPorts(ports: Partial<Ports>, names: readonly PortName[]): Partial<Ports> {
  return Object.fromEntries(names.map((name) => [name, ports[name]]));
}
