import type { Clock } from '../../ports/clock.ts';

/** Timers that end together. */
export interface Timers {
  /** Calls `run` once after `milliseconds`. Does nothing after `close`. */
  after(milliseconds: number, run: () => void): void;
  /** Cancels all timers. */
  close(): void;
}

export function createTimers(clock: Clock): Timers {
  const cancels = new Set<() => void>();
  let closed = false;
  return {
    after(milliseconds, run) {
      if (closed) return;
      const cancel = clock.after(milliseconds, () => {
        cancels.delete(cancel);
        run();
      });
      cancels.add(cancel);
    },
    close() {
      closed = true;
      for (const cancel of cancels) cancel();
      cancels.clear();
    },
  };
}
