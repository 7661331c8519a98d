/** Runs one write at a time, in order. */
export interface WriteQueue {
  run<T>(write: () => T | Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Resolves when all earlier writes are done. */
  drained(): Promise<void>;
}

export function createWriteQueue(): WriteQueue {
  let last: Promise<unknown> = Promise.resolve();

  return {
    run<T>(write: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
      const turn = last.then(() => {
        signal?.throwIfAborted();
        return write();
      });
      last = turn.catch(() => undefined);
      return turn;
    },
    async drained() {
      await last;
    },
  };
}
