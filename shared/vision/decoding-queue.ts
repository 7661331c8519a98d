import { decoding, extraction } from '../domain/tuning.ts';
import { AppError } from '../errors.ts';
import { openGate } from '../function/gate.ts';
import { type Budget, openBudget } from './budget.ts';
import type { DecodeCost } from './decode-cost.ts';
import { extractionLimits } from './extraction-limits.ts';

/** Photos in process and waiting photos. */
export interface DecodingQueue {
  /**
   * Runs `task` when there is a free place. `task` decodes within the `memory` that it receives. Errors: BUSY at once when too many
   * photos, bytes or seconds of decoding wait; the reason of the signal; the errors of `task`.
   */
  run<T>(
    photo: { readonly cost: DecodeCost },
    fileBytes: number,
    signal: AbortSignal | undefined,
    task: (memory: Budget) => Promise<T>,
  ): Promise<T>;
}

/**
 * [Note: Refusing before memory and time run out]
 * The header of each photo is read first, so its cost is known while it waits. Photos that are decoded at the same time need at most
 * `decoding.maxMemory` together. A photo that would wait longer than a request lasts is refused at once, so that its client can try
 * again, and not after a minute. A photo that needs half of the memory takes half of the machine, even if it needs one core of many.
 *
 * @param threads network threads of the extractor
 */
export function openDecodingQueue(threads: number): DecodingQueue {
  const gate = openGate(extractionLimits(threads));
  const memory = openBudget(decoding.maxMemory);
  let seconds = 0;
  return {
    async run({ cost }, fileBytes, signal, task) {
      const share = cost.seconds * Math.max(1 / threads, cost.bytes / decoding.maxMemory);
      if (seconds > 0 && seconds + share > extraction.decodingSeconds) throw new AppError('BUSY', { retryAfter: 5 });
      seconds += share;
      try {
        return await gate.run(fileBytes, () => task(memory), signal);
      } finally {
        seconds -= share;
      }
    },
  };
}
