/** Runs `body` as one transaction. `durable`: for databases that do not force every transaction to the disk. */
export interface TransactionRunner {
  transaction(body: () => void, durable?: boolean): void;
}

export interface GroupCommit {
  /**
   * Runs `write` in one transaction with the other writes of the moment, and resolves to its result after the commit. `apply` runs
   * after the commit and before any promise resolves, in the order of the writes. An aborted signal cancels a write that has not
   * run. The transaction is `durable` if one of its writes is.
   */
  run<T>(
    write: () => T,
    options?: { signal?: AbortSignal | undefined; apply?: () => void; durable?: boolean | undefined },
  ): Promise<T>;
  /** Resolves when all earlier writes are done. */
  drained(): Promise<void>;
}

/**
 * Many writers, one fsync.
 *
 * [Note: Group commit]
 * Even a small transaction costs a forced write to the disk. So writes of the same turn of the event loop share one transaction. If one
 * of them throws, the transaction is rolled back, and each write runs again in its own transaction.
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
