import type { Clock } from '../ports/clock.ts';

/** A clock that only the test moves. */
export interface FakeClock extends Clock {
  /** Moves time by `milliseconds`. Runs every timer that is due, in order and at its own time; promises settle in between. */
  advance(milliseconds: number): Promise<void>;
  /**
   * Waits until `condition` is true, and moves time to the next timer every 20 turns. For code that mixes timers with real input and
   * output. Throws after `turns` turns (default 20,000).
   */
  until(condition: () => boolean | Promise<boolean>, turns?: number): Promise<void>;
  /** Waits one turn, in which running input and output can continue. */
  turn(): Promise<void>;
  /** Number of timers that have neither run nor been cancelled. */
  readonly pending: number;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * `start`: milliseconds since the epoch; default 2026-01-01T00:00:00Z. `turn`: waits for one turn; default one turn of the event loop,
 * which is too short for a server in another process.
 */
export function fakeClock(start = Date.UTC(2026, 0, 1), turn = nextTurn): FakeClock {
  let now = start;
  let order = 0;
  const timers = new Set<{ readonly at: number; readonly order: number; readonly run: () => void }>();

  const next = () => {
    let first: { readonly at: number; readonly order: number; readonly run: () => void } | undefined;
    for (const timer of timers) {
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer;
    }
    return first;
  };

  const runNext = (limit: number): boolean => {
    const timer = next();
    if (!timer || timer.at > limit) return false;
    timers.delete(timer);
    now = Math.max(now, timer.at);
    timer.run();
    return true;
  };

  return {
    now: () => now,
    after(milliseconds, run) {
      const timer = { at: now + Math.max(0, milliseconds), order: order++, run };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    async advance(milliseconds) {
      const end = now + milliseconds;
      await settle(turn);
      while (runNext(end)) await settle(turn);
      now = Math.max(now, end);
      await settle(turn);
    },
    async until(condition, turns = 20_000) {
      for (let i = 0; i < turns; i++) {
        if (await condition()) return;
        // Running input and output gets 20 turns before time moves.
        if (i % 20 === 19) runNext(Number.POSITIVE_INFINITY);
        await turn();
      }
      throw new Error(`fake clock: the condition was not true within ${turns} turns`);
    },
    turn,
    get pending() {
      return timers.size;
    },
  };
}

/** Waits eight turns: enough for chains of promises, too short for a slow disk (see `until`). */
async function settle(turn: () => Promise<void>): Promise<void> {
  for (let i = 0; i < 8; i++) await turn();
}
