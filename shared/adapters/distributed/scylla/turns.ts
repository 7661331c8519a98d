/** What a turn came to. */
export interface Turn<Result> {
  readonly result: Result;
  /** What is left, for which the next turn waits and nobody else; it may fail. */
  readonly rest?: Promise<unknown>;
}

/** Work on one thing takes turns within this process: it would only lose against itself. */
export function turns() {
  const last = new Map<string, Promise<unknown>>();
  const left = new Set<Promise<unknown>>();

  function leave(rest: Promise<unknown>): Promise<unknown> {
    const settled: Promise<unknown> = rest.catch(() => undefined).then(() => left.delete(settled));
    left.add(settled);
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
      // Whoever leaves before its turn lets nobody past those who were there.
      const over = before
        .then(() => mine)
        .then(
          ({ rest }) => (rest === undefined ? undefined : leave(rest)),
          () => undefined,
        );
      last.set(key, over);
      void over.then(() => {
        if (last.get(key) === over) last.delete(key);
      });
      return (await mine).result;
    },
    leave: (rest: Promise<unknown>): void => void leave(rest),
    async idle(): Promise<void> {
      await Promise.all(last.values());
      await Promise.all(left);
    },
  };
}

/** What a promise comes to, or at once the signal's reason. For what changes nothing. */
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
