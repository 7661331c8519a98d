import { setImmediate as breathe } from 'node:timers/promises';

/**
 * `work` for each item, a few at a time, results in their order: a crowd's faces neither keep the event loop busy in one
 * stretch nor all lie in memory as network inputs at once. Rejects with the first error; nothing new is begun after it.
 */
export async function inTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < items.length && !failed) {
      const index = next++;
      if (index >= atOnce) await breathe();
      try {
        results[index] = await work(items[index]!, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}

/** Enough to keep the threads of a small machine busy. */
const atOnce = 8;
