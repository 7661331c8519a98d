import type { Config } from '../config.ts';
import { type Clock, systemClock } from '../ports/clock.ts';
import { createLogger, type Logger } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { newIdAt } from './ids.ts';

/** What one process has of everything that is not a port. */
export interface RuntimeContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly newId: () => string;
  /** Compare every answer with its declared schema; for tests. */
  readonly checkOutput: boolean;
}

export function createContext(config: Config, overrides: Partial<RuntimeContext> = {}): RuntimeContext {
  const clock = overrides.clock ?? systemClock;
  return {
    config,
    clock,
    log: createLogger(config.logLevel),
    metrics: createMetrics(),
    newId: () => newIdAt(clock.now()),
    checkOutput: false,
    ...overrides,
  };
}
