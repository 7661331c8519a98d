/** Runs tasks at the same time while the sum of their weights is within a total. The other tasks wait in order. */
export interface Budget {
  /**
   * Runs `task` when `weight` fits, and returns its result. A task that is heavier than the total runs alone. Errors: the reason of
   * the signal when it aborts while the task waits; the errors of `task`.
   */
  run<T>(weight: number, task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** `total` and the weights have the same unit. */
export function openBudget(total: number): Budget {
  let spent = 0;
  const waiting: { readonly weight: number; enter(): void }[] = [];

  function admit(): void {
    for (let next = waiting[0]; next && spent + next.weight <= total; next = waiting[0]) {
      waiting.shift();
      spent += next.weight;
      next.enter();
    }
  }

  function wait(weight: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        waiting.splice(waiting.indexOf(entry), 1);
        reject(signal?.reason);
        // Lighter tasks behind this one may fit now.
        admit();
      };
      const entry = {
        weight,
        enter: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      signal?.addEventListener('abort', abort, { once: true });
      waiting.push(entry);
      admit();
    });
  }

  return {
    async run(weight, task, signal) {
      signal?.throwIfAborted();
      const share = Math.min(weight, total);
      await wait(share, signal);
      try {
        return await task();
      } finally {
        spent -= share;
        admit();
      }
    },
  };
}
