import { AppError } from '../errors.ts';

export interface Faults {
  /** Share of calls that fail, 0..1. */
  readonly failing: number;
  /** Share of calls that are slow, 0..1. */
  readonly slow: number;
  /** Longest pause of a slow call, in milliseconds. */
  readonly slowMs: number;
  readonly random: () => number;
  /** false: no call fails. */
  readonly active: () => boolean;
}

/**
 * Wraps a port so that some calls fail or are slow. Half of the failing calls do their work first, as if the response was lost.
 * Iterations and `close`, `subscribe`, `ready` and `watch` are not changed.
 */
export function withFaults<Port extends object>(port: Port, faults: Faults): Port {
  return Object.fromEntries(
    Object.entries(port).map(([name, run]) => [
      name,
      typeof run === 'function' && !['close', 'subscribe', 'ready', 'watch'].includes(name)
        ? faulty(name, run.bind(port) as Call, faults)
        : run,
    ]),
  ) as Port;
}

type Call = (...parameters: unknown[]) => unknown;

function faulty(name: string, run: Call, { failing, slow, slowMs, random, active }: Faults): Call {
  const broken = () => new AppError('STORE_UNAVAILABLE', { message: `${name} fails on purpose` });
  const isIteration = /^(keys|faceIds|files)$/.test(name);
  return (...parameters) => {
    if (!active() || isIteration) return run(...parameters);
    const fate = random();
    if (fate < failing / 2) return Promise.reject(broken());
    const result = run(...parameters);
    if (!(result instanceof Promise)) return result;
    return result.then(async (value) => {
      if (random() < slow) await new Promise((resolve) => setTimeout(resolve, random() * slowMs));
      if (fate < failing) throw broken();
      return value;
    });
  };
}
