/** Lets one write run at a time, in the order in which they came. */
export interface WriteQueue {
  run<T>(write: () => T | Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Resolves when everything that came before is done. */
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
