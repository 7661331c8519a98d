import type { Config } from '../config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../telemetry/log.ts';
import type { RuntimeContext } from './context.ts';

/** What an adapter may know of the process it lives in. */
export interface AdapterOptions
  extends Pick<
    Config,
    | 'dataDir'
    | 'modelsDir'
    | 'packs'
    | 'executionProvider'
    | 'threads'
    | 'maxImageBytes'
    | 'maxImagePixels'
    | 'watchDir'
    | 'engines'
    | 'extractorUrl'
  > {
  readonly clock: Clock;
  readonly log: Logger;
}

export function adapterOptions({ config, clock, log }: RuntimeContext): AdapterOptions {
  const { dataDir, modelsDir, packs, executionProvider, threads, maxImageBytes, maxImagePixels, watchDir } = config;
  const { engines, extractorUrl } = config;
  return {
    dataDir,
    modelsDir,
    packs,
    executionProvider,
    threads,
    maxImageBytes,
    maxImagePixels,
    watchDir,
    engines,
    extractorUrl,
    clock,
    log,
  };
}
