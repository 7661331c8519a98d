import type { Database } from './database.ts';

export interface GroupCommit {
  /**
   * Runs `write` in a transaction that it shares with the other writes of the moment, and resolves to its result when the
   * transaction is durable. `apply` runs then, in the order of the writes and before anybody hears of it. An aborted signal
   * keeps out a write that has not run yet.
   */
  run<T>(write: () => T, options?: { signal?: AbortSignal | undefined; apply?: () => void }): Promise<T>;
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
export function createGroupCommit(database: Database): GroupCommit {
  let waiting: Job[] = [];
  let running: Promise<void> = Promise.resolve();

  const flush = (): void => {
    const jobs = waiting.filter((job) => !job.isAborted());
    waiting = [];
    if (jobs.length === 0) return;
    try {
      database.transaction(() => {
        for (const job of jobs) job.write();
      });
    } catch (error) {
      if (jobs.length === 1) jobs[0]!.fail(error);
      else for (const job of jobs) commitAlone(database, job);
      return;
    }
    for (const job of jobs) job.succeed();
  };

  return {
    run<T>(write: () => T, { signal, apply }: { signal?: AbortSignal | undefined; apply?: () => void } = {}) {
      return new Promise<T>((resolve, reject) => {
        let result: T;
        waiting.push({
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
  isAborted(): boolean;
  write(): void;
  succeed(): void;
  fail(error: unknown): void;
}

function commitAlone(database: Database, job: Job): void {
  try {
    database.transaction(() => job.write());
  } catch (error) {
    job.fail(error);
    return;
  }
  job.succeed();
}
