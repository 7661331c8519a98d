/** Lets tasks work at once while their weights fit in together; the others wait in order. */
export interface Budget {
  /**
   * Runs `task` when there is room for `weight`; one that is heavier than everything runs alone. Errors: the signal's reason
   * when it aborts while waiting; those of `task`.
   */
  run<T>(weight: number, task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

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
        // It may have stood before lighter ones.
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
