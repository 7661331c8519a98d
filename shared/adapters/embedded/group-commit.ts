/** Runs `body` as one transaction. Where transactions differ in how durable they are, `durable` says what is asked for. */
export interface TransactionRunner {
  transaction(body: () => void, durable?: boolean): void;
}

export interface GroupCommit {
  /**
   * Runs `write` in a transaction that it shares with the other writes of the moment, and resolves to its result when the
   * transaction is durable. `apply` runs then, in the order of the writes and before anybody hears of it. An aborted signal
   * keeps out a write that has not run yet. `durable` reaches the transaction's own options; one that asks for it is enough.
   */
  run<T>(
    write: () => T,
    options?: { signal?: AbortSignal | undefined; apply?: () => void; durable?: boolean | undefined },
  ): Promise<T>;
  /** Resolves when everything that came before is done. */
  drained(): Promise<void>;
}

/**
 * Many writers, one fsync.
 *
 * [Note: Group commit]
 * A transaction costs a forced write to the disk however small it is. Writes that arrive in the same turn of the event loop
 * go together. One that throws would take its neighbours with it, so then each is run again in a transaction of its own.
 */
export function createGroupCommit(database: TransactionRunner): GroupCommit {
  let waiting: Job[] = [];
  let running: Promise<void> = Promise.resolve();

  const flush = (): void => {
    const jobs = waiting.filter((job) => !job.isAborted());
    waiting = [];
    if (jobs.length === 0) return;
    try {
      database.transaction(
        () => {
          for (const job of jobs) job.write();
        },
        jobs.some((job) => job.durable),
      );
    } catch (error) {
      if (jobs.length === 1) jobs[0]!.fail(error);
      else for (const job of jobs) commitAlone(database, job);
      return;
    }
    for (const job of jobs) job.succeed();
  };

  return {
    run<T>(
      write: () => T,
      {
        signal,
        apply,
        durable = false,
      }: { signal?: AbortSignal | undefined; apply?: () => void; durable?: boolean | undefined } = {},
    ) {
      return new Promise<T>((resolve, reject) => {
        let result: T;
        waiting.push({
          durable,
          isAborted() {
            if (signal?.aborted === true) reject(signal.reason);
            return signal?.aborted === true;
          },
          write: () => {
            result = write();
          },
          succeed: () => {
            try {
              apply?.();
              resolve(result);
            } catch (error) {
              reject(error);
            }
          },
          fail: reject,
        });
        if (waiting.length === 1) {
          running = new Promise((done) =>
            setImmediate(() => {
              flush();
              done();
            }),
          );
        }
      });
    },
    async drained() {
      await running;
    },
  };
}

interface Job {
  readonly durable: boolean;
  isAborted(): boolean;
  write(): void;
  succeed(): void;
  fail(error: unknown): void;
}

function commitAlone(database: TransactionRunner, job: Job): void {
  try {
    database.transaction(() => job.write(), job.durable);
  } catch (error) {
    job.fail(error);
    return;
  }
  job.succeed();
}
