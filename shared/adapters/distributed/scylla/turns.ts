/** Result of a turn. */
export interface Turn<Result> {
  readonly result: Result;
  /** Work that continues after the turn. Only the next turn waits for it. Its errors are ignored. */
  readonly rest?: Promise<unknown>;
}

/** Runs work with the same key one after another in this process. In parallel, its conditional writes would fail against each other. */
export function turns() {
  const last = new Map<string, Promise<unknown>>();
  const running = new Set<Promise<unknown>>();

  function run(rest: Promise<unknown>): Promise<unknown> {
    const settled: Promise<unknown> = rest.catch(() => undefined).then(() => running.delete(settled));
    running.add(settled);
    return settled;
  }

  return {
    async inTurn<Result>(
      key: string,
      signal: AbortSignal | undefined,
      work: () => Promise<Turn<Result>>,
    ): Promise<Result> {
      const before = last.get(key) ?? Promise.resolve();
      const mine = unlessAborted(before, signal).then(work);
      // When a caller aborts before its turn, the next caller still waits for the turns before.
      const finished = before
        .then(() => mine)
        .then(
          ({ rest }) => (rest === undefined ? undefined : run(rest)),
          () => undefined,
        );
      last.set(key, finished);
      void finished.then(() => {
        if (last.get(key) === finished) last.delete(key);
      });
      return (await mine).result;
    },
    /** Registers work that no caller waits for. Its errors are ignored. */
    inBackground: (rest: Promise<unknown>): void => void run(rest),
    /** Resolves when no turn and no background work is running. */
    async idle(): Promise<void> {
      await Promise.all(last.values());
      await Promise.all(running);
    },
  };
}

/** Settles like the promise, or rejects at once with the reason of an abort. Use it only for reads. */
export function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const done = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    promise.then(resolve, reject).then(done, done);
  });
}
