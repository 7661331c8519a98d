import type { Config } from '../config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../telemetry/log.ts';
import type { RuntimeContext } from './context.ts';

/** Settings and services of the process that an adapter may use. */
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
