import type { Config } from '../config.ts';
import { type Clock, systemClock } from '../ports/clock.ts';
import { createLogger, type Logger } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { newIdAt } from './ids.ts';

/** Everything that one process has, except ports. */
export interface RuntimeContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly newId: () => string;
  /** Whether the HTTP pipeline checks the data of every response against its schema; for tests. */
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
