import { setImmediate as breathe } from 'node:timers/promises';
import { eachOf } from '../domain/each-of.ts';

/**
 * `work` for each item, a few at a time, results in their order: a crowd's faces neither keep the event loop busy in one
 * stretch nor all lie in memory as network inputs at once. Rejects with the first error; nothing new is begun after it.
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
