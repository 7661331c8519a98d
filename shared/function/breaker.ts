import { type CircuitBreakerPolicy, CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import type { Clock } from '../ports/clock.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** What stands behind a breaker: after how many failures in a row it opens, for how long at first, and at most. */
const kinds = {
  webhook: { failures: 5, openMs: 30_000, mostOpenMs: 10 * 60_000 },
  ...ofPorts(['records', 'vectors', 'images', 'cache', 'extractor', 'accounts', 'audit', 'uploads', 'webhooks']),
} as const;
export type Guarded = keyof typeof kinds;
export type GuardedPort = Exclude<Guarded, 'webhook'>;
export const isGuardedPort = (name: string): name is GuardedPort => Object.hasOwn(kinds, name) && name !== 'webhook';

/** A store fails for everybody at once: soon known, and soon tried again. */
function ofPorts<Name extends string>(names: readonly Name[]) {
  const each = { failures: 10, openMs: 1000, mostOpenMs: 30_000 } as const;
  return Object.fromEntries(names.map((name) => [name, each])) as Record<Name, typeof each>;
}

export interface Breaker {
  /** Milliseconds until something may be tried again; 0 while it is closed. */
  waitMs(): number;
  /**
   * The same for whoever is about to begin a longer work with a call of this somewhere in it: after a pause one gets 0, and the others
   * wait for a while for how it ends, so that an outage costs one attempt each time and not one of everybody.
   */
  admit(): number;
  /**
   * Does `work`; what it throws counts as a failure and is thrown on. Errors: `BreakerOpen` when it was not tried. While a first call
   * after a pause is under way, others wait for how it ends.
   */
  execute<T>(work: () => Promise<T>): Promise<T>;
}

/** Nothing was tried. */
export class BreakerOpen extends Error {
  override readonly name = 'BreakerOpen';
}

/** One breaker for each name of something that may fail. Those that are closed cost nothing: they are forgotten. */
export interface Breakers {
  of(kind: Guarded, name: string): Breaker;
}

interface Entry {
  readonly policy: CircuitBreakerPolicy;
  /** Milliseconds since the epoch. */
  openUntil: number;
  /** Until then somebody was let in to try. */
  triedUntil: number;
  openedInARow: number;
  inUse: number;
  shown: 'open' | 'half-open' | null;
}

/** For how long one is let in to try before the next is. */
const tryingMs = 5000;
/** Names kept at once; the one that was made first goes first. */
const mostNames = 1000;

const ofProcess = new WeakMap<object, Breakers>();

/** The breakers of the process that a call runs in, known by its metrics. Only whoever uses them has them in its bundle. */
export function breakersOf({ clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics }): Breakers {
  const there = ofProcess.get(metrics) ?? createBreakers(clock, metrics);
  ofProcess.set(metrics, there);
  return there;
}

/**
 * Circuit breakers by cockatiel, on our clock.
 *
 * [Note: The breaker's clock]
 * cockatiel reads the system's time. So its own pause is zero: it decides what opens and closes, we decide for how long, and a test
 * can own the time. Each opening in a row doubles the pause.
 */
export function createBreakers(clock: Clock, metrics: Pick<Metrics, 'breakers' | 'breakersOpened'>): Breakers {
  const entries = new Map<string, Entry>();

  const make = (kind: Guarded): Entry => {
    const { failures, openMs, mostOpenMs } = kinds[kind];
    const policy = circuitBreaker(handleAll, { halfOpenAfter: 0, breaker: new ConsecutiveBreaker(failures) });
    const entry: Entry = { policy, openUntil: 0, triedUntil: 0, openedInARow: 0, inUse: 0, shown: null };
    policy.onStateChange((state) => {
      if (state === CircuitState.Open) {
        entry.openUntil = clock.now() + Math.min(mostOpenMs, openMs * 2 ** entry.openedInARow);
        entry.openedInARow += 1;
        metrics.breakersOpened.inc({ guards: kind });
      }
      show(kind, entry, state === CircuitState.Open ? 'open' : state === CircuitState.HalfOpen ? 'half-open' : null);
    });
    return entry;
  };

  const show = (kind: Guarded, entry: Entry, state: Entry['shown']): void => {
    if (entry.shown !== null) metrics.breakers.dec({ guards: kind, state: entry.shown });
    if (state !== null) metrics.breakers.inc({ guards: kind, state });
    entry.shown = state;
  };

  const forgetFirst = (): void => {
    for (const [id, entry] of entries) {
      if (entries.size <= mostNames) return;
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
          const wait = Math.max(waitMs(), entry.triedUntil - now, 0);
          if (wait === 0) entry.triedUntil = now + tryingMs;
          return wait;
        },
        async execute(work) {
          if (waitMs() > 0) throw new BreakerOpen(`${kind} is not called: it failed too often`);
          const entry = entries.get(id) ?? make(kind);
          entries.set(id, entry);
          entry.inUse += 1;
          forgetFirst();
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
