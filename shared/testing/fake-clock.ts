import type { Clock } from '../ports/clock.ts';

/** Time that stands still until the test moves it. */
export interface FakeClock extends Clock {
  /** Moves time by `milliseconds`, runs every timer that falls due, in order, each at its own time, and lets promises settle in between. */
  advance(milliseconds: number): Promise<void>;
  /**
   * Waits until `condition` holds, moving time to the next timer whenever nothing else happens. For code that mixes timers with
   * real input and output. Throws after `turns` turns of the event loop (default 20,000).
   */
  until(condition: () => boolean | Promise<boolean>, turns?: number): Promise<void>;
  /** One turn, in which input and output under way may go on. */
  turn(): Promise<void>;
  /** Timers that have not run and were not cancelled. */
  readonly pending: number;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * `start`: milliseconds since the epoch; default 2026-01-01T00:00:00Z. `turn`: how a turn passes; default one turn of the event loop,
 * which is too short for what a server in another process does.
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
        // Input and output under way gets a chance before time moves on.
        if (i % 20 === 19) runNext(Number.POSITIVE_INFINITY);
        await turn();
      }
      throw new Error(`fake clock: the condition did not come true within ${turns} turns`);
    },
    turn,
    get pending() {
      return timers.size;
    },
  };
}

/** Some turns of the event loop: enough for chains of promises, not for a slow disk (see `until`). */
async function settle(turn: () => Promise<void>): Promise<void> {
  for (let i = 0; i < 8; i++) await turn();
}
