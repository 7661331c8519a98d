import { AppError } from '../errors.ts';

export interface Faults {
  /** 0..1, of every call. */
  readonly failing: number;
  readonly slow: number;
  /** Longest pause of a slow call, in milliseconds. */
  readonly slowMs: number;
  readonly random: () => number;
  /** false: everything works. */
  readonly active: () => boolean;
}

/**
 * The same port, some calls of which fail or are slow. Half of those that fail have done their work first, as when an answer is lost
 * on the way. What is given back at once, as an iteration, is left as it is.
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
