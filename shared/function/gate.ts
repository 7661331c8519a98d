import { AppError } from '../errors.ts';

/** Limits how many tasks run at the same time and how many wait. Waiting tasks start in order. Further tasks are refused. */
export interface Gate {
  /**
   * Runs `task` when there is a free place, and returns its result. `weight` is in bytes. Errors: BUSY when the queue is full; the
   * reason of the signal when it aborts while the task waits; the errors of `task`.
   */
  run<T>(weight: number, task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** Limits of a gate. */
export interface GateLimits {
  /** Tasks that run at the same time. */
  readonly working: number;
  /** Tasks that wait. */
  readonly waiting: number;
  /** Sum of the weights of the tasks that wait. */
  readonly waitingBytes: number;
}

export function openGate(limits: GateLimits): Gate {
  let working = 0;
  let waitingBytes = 0;
  const queue: { enter: () => void }[] = [];

  function leave(): void {
    working--;
    queue.shift()?.enter();
  }

  async function wait(weight: number, signal?: AbortSignal): Promise<void> {
    if (queue.length >= limits.waiting || waitingBytes + weight > limits.waitingBytes) {
      throw new AppError('BUSY', { retryAfter: 1 });
    }
    waitingBytes += weight;
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        queue.splice(queue.indexOf(entry), 1);
        waitingBytes -= weight;
        reject(signal?.reason);
      };
      const entry = {
        enter: () => {
          signal?.removeEventListener('abort', abort);
          waitingBytes -= weight;
          working++;
          resolve();
        },
      };
      signal?.addEventListener('abort', abort, { once: true });
      queue.push(entry);
    });
  }

  return {
    async run(weight, task, signal) {
      signal?.throwIfAborted();
      if (working < limits.working) working++;
      else await wait(weight, signal);
      try {
        return await task();
      } finally {
        leave();
      }
    },
  };
}
