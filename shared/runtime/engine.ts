import type { Config } from '../config.ts';
import type { EngineName } from '../engine-settings.ts';
import type { Openers } from '../function/ports.ts';
import type { PortName } from '../ports/index.ts';

/** The openers of a process for either mode. */
export type EngineOpeners = Readonly<Record<Config['mode'], Openers>>;

/** Which engine keeps what goes through a port in distributed mode. The extractor is another function, or in this process. */
const engineOfPort: Readonly<Record<PortName, EngineName | null>> = {
  records: 'scylla',
  accounts: 'scylla',
  audit: 'scylla',
  webhooks: 'scylla',
  vectors: 'milvus',
  images: 's3',
  uploads: 's3',
  events: 'kafka',
  cache: 'dragonfly',
  extractor: null,
};

/**
 * The openers of the mode that is configured. Throws an Error that names every variable which the engines of `ports` lack: to keep quiet
 * and write into a folder would be worse than not to start.
 */
export function openersOf({ mode, engines }: Config, openers: EngineOpeners, ports: readonly PortName[]): Openers {
  if (mode === 'embedded') return openers.embedded;
  const names = new Set(ports.map((port) => engineOfPort[port]).filter((name) => name !== null));
  const missing = engines.missing([...names]);
  if (missing.length > 0) {
    const lines = missing.map((variable) => `  ${variable}: is required with FREEFACE_MODE=distributed`);
    throw new Error(`The configuration is wrong:\n${lines.join('\n')}`);
  }
  return openers.distributed;
}
