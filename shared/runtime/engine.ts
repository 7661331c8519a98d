import type { Config } from '../config.ts';
import type { EngineName } from '../engine-settings.ts';
import type { Openers } from '../function/ports.ts';
import type { PortName } from '../ports/index.ts';

/** The openers of a process for each mode. */
export type EngineOpeners = Readonly<Record<Config['mode'], Openers>>;

/** The engine behind each port in distributed mode. null: the extractor is another function, or part of this process. */
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
 * Returns the openers of the configured mode. Throws an Error that names every missing variable of the engines of `ports`. There is no
 * fallback to the embedded mode, because the process would then store data in a local folder without a warning.
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
