import { AppError } from '../errors.ts';

/** Lets a bounded number of tasks work and a bounded number wait, in order; sheds the rest. */
export interface Gate {
  /** Runs `task` when its turn comes. `weight` in bytes. Errors: BUSY; the signal's reason when it aborts while waiting; those of `task`. */
  run<T>(weight: number, task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export interface GateLimits {
  readonly working: number;
  readonly waiting: number;
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
