import { type CircuitBreakerPolicy, CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import type { Clock } from '../ports/clock.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Failures in a row that open the breaker, its first pause, and its longest pause. */
const kinds = {
  webhook: { failures: 5, openMs: 30_000, longestOpenMs: 10 * 60_000 },
  ...ofPorts(['records', 'vectors', 'images', 'cache', 'extractor', 'accounts', 'audit', 'uploads', 'webhooks']),
} as const;
export type Guarded = keyof typeof kinds;
export type GuardedPort = Exclude<Guarded, 'webhook'>;
export const isGuardedPort = (name: string): name is GuardedPort => Object.hasOwn(kinds, name) && name !== 'webhook';

/** A store that is down fails for all callers, so it reaches ten failures quickly, and its pauses are short. */
function ofPorts<Name extends string>(names: readonly Name[]) {
  const each = { failures: 10, openMs: 1000, longestOpenMs: 30_000 } as const;
  return Object.fromEntries(names.map((name) => [name, each])) as Record<Name, typeof each>;
}

export interface Breaker {
  /** Milliseconds until the next call is allowed; 0 while the breaker is closed. */
  waitMs(): number;
  /**
   * Like `waitMs`, for long work that contains such a call: after a pause one caller gets 0 and probes, and the others wait up to 5 s
   * for its outcome. So each probe during an outage costs one attempt, not one attempt of every caller.
   */
  admit(): number;
  /**
   * Runs `work`. An error of `work` counts as a failure and is thrown again. Errors: `BreakerOpen` when the breaker is open; `work` does
   * not run then. While the first call after a pause is running, other calls wait until it ends.
   */
  execute<T>(work: () => Promise<T>): Promise<T>;
}

/** The breaker was open, so the work did not run. */
export class BreakerOpen extends Error {
  override readonly name = 'BreakerOpen';
}

/** One breaker for each kind and name. Closed breakers need no memory: their entries are deleted. */
export interface Breakers {
  of(kind: Guarded, name: string): Breaker;
}

interface Entry {
  readonly policy: CircuitBreakerPolicy;
  /** End of the pause, in milliseconds since the epoch. */
  openUntil: number;
  /** End of the time in which only one caller of `admit` may probe, in milliseconds since the epoch. */
  probeUntil: number;
  openedInARow: number;
  inUse: number;
  reported: 'open' | 'half-open' | null;
}

/** Time after which `admit` allows another caller to probe. */
const probeMs = 5000;
/** Above this number of entries, the oldest ones that are not in use are deleted. */
const maxEntries = 1000;

const ofProcess = new WeakMap<object, Breakers>();

/** The breakers of this process, identified by its metrics. Bundles of functions without breakers do not contain this module. */
export function breakersOf({ clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics }): Breakers {
  const breakers = ofProcess.get(metrics) ?? createBreakers(clock, metrics);
  ofProcess.set(metrics, breakers);
  return breakers;
}

/**
 * Circuit breakers by cockatiel with the pauses of `clock`.
 *
 * [Note: The breaker's clock]
 * cockatiel reads the system time, which a test cannot set. So its own pause is zero: cockatiel opens and closes the breaker, and this
 * module measures the pause with `clock`. The pause doubles each time the breaker opens again without closing.
 */
export function createBreakers(clock: Clock, metrics: Pick<Metrics, 'breakers' | 'breakersOpened'>): Breakers {
  const entries = new Map<string, Entry>();

  const make = (kind: Guarded): Entry => {
    const { failures, openMs, longestOpenMs } = kinds[kind];
    const policy = circuitBreaker(handleAll, { halfOpenAfter: 0, breaker: new ConsecutiveBreaker(failures) });
    const entry: Entry = { policy, openUntil: 0, probeUntil: 0, openedInARow: 0, inUse: 0, reported: null };
    policy.onStateChange((state) => {
      if (state === CircuitState.Open) {
        entry.openUntil = clock.now() + Math.min(longestOpenMs, openMs * 2 ** entry.openedInARow);
        entry.openedInARow += 1;
        metrics.breakersOpened.inc({ guards: kind });
      }
      show(kind, entry, state === CircuitState.Open ? 'open' : state === CircuitState.HalfOpen ? 'half-open' : null);
    });
    return entry;
  };

  const show = (kind: Guarded, entry: Entry, state: Entry['reported']): void => {
    if (entry.reported !== null) metrics.breakers.dec({ guards: kind, state: entry.reported });
    if (state !== null) metrics.breakers.inc({ guards: kind, state });
    entry.reported = state;
  };

  const deleteOldest = (): void => {
    for (const [id, entry] of entries) {
      if (entries.size <= maxEntries) return;
      if (entry.inUse > 0) continue;
      show(id.slice(0, id.indexOf('/')) as Guarded, entry, null);
      entries.delete(id);
    }
  };

  return {
    of(kind, name) {
      const id = `${kind}/${name}`;
      const waitMs = () => {
        const entry = entries.get(id);
        return entry?.policy.state === CircuitState.Open ? Math.max(0, entry.openUntil - clock.now()) : 0;
      };
      return {
        waitMs,
        admit() {
          const entry = entries.get(id);
          const now = clock.now();
          if (entry === undefined || entry.policy.state === CircuitState.Closed) return 0;
          const wait = Math.max(waitMs(), entry.probeUntil - now, 0);
          if (wait === 0) entry.probeUntil = now + probeMs;
          return wait;
        },
        async execute(work) {
          if (waitMs() > 0) throw new BreakerOpen(`${kind} is not called, because it failed too often`);
          const entry = entries.get(id) ?? make(kind);
          entries.set(id, entry);
          entry.inUse += 1;
          deleteOldest();
          let succeeded = false;
          try {
            const result = await entry.policy.execute(work);
            succeeded = true;
            return result;
          } finally {
            entry.inUse -= 1;
            if (succeeded && entry.inUse === 0 && entry.policy.state === CircuitState.Closed) entries.delete(id);
          }
        },
      };
    },
  };
}
