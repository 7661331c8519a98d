import type { PortName, Ports } from '../ports/index.ts';
import type { RuntimeContext } from './context.ts';
import { observePort } from './observe-port.ts';

/** How each port is opened; a bundle holds the openers of its declared ports alone. */
export type Openers = { readonly [Name in PortName]?: (context: RuntimeContext) => Promise<Ports[Name]> };

export interface OpenPorts {
  readonly ports: Partial<Ports>;
  /** Closes in reverse order of opening; one that fails does not keep the others open. */
  close(): Promise<void>;
}

/** Opens the named ports one after another. When one fails, those that are open are closed and its error is thrown. */
export async function openPorts(
  names: Iterable<PortName>,
  openers: Openers,
  context: RuntimeContext,
): Promise<OpenPorts> {
  const opened: [PortName, Ports[PortName]][] = [];
  const close = async () => {
    for (const [name, port] of opened.splice(0).reverse()) {
      await port.close().catch((error: unknown) => context.log.error({ err: error, port: name }, 'closing failed'));
    }
  };
  try {
    for (const name of new Set(names)) {
      const open = openers[name];
      if (open === undefined) throw new Error(`the port ${name} has no adapter here`);
      opened.push([name, observePort(name, await open(context), context.metrics)]);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { ports: Object.fromEntries(opened), close };
}

/** The ports a function declared, and no other. */
export function pickPorts(ports: Partial<Ports>, names: readonly PortName[]): Partial<Ports> {
  return Object.fromEntries(names.map((name) => [name, ports[name]]));
}
