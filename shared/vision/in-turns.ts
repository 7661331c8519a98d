import { setImmediate as breathe } from 'node:timers/promises';
import { eachOf } from '../domain/each-of.ts';

/**
 * Runs `work` for each item, at most eight at the same time, and returns the results in the order of the items. Before each further
 * item, the event loop gets a turn. So a crowd of faces does not block the event loop, and only a few network inputs are in memory.
 * Rejects with the first error, and starts nothing after it.
 */
export const inTurns = <Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> =>
  eachOf(items, atOnce, async (item, index) => {
    if (index >= atOnce) await breathe();
    return await work(item, index);
  });

/** Enough to keep the threads of a small machine busy. */
const atOnce = 8;
