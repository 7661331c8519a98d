import type { Clock } from '../../ports/clock.ts';
import { createFairQueue } from './fair-queue.ts';
import type { Timers } from './timers.ts';

/** An event that a group has not finished. */
export interface QueueItem {
  /** Events of one key keep their order; null: no order. */
  readonly key: string | null;
  /** Start of the next attempt, in milliseconds since the epoch. */
  dueAt: number;
}

/** Events of one group that wait for their next attempt. See: [Note: Order by key] */
export interface Queue<Item extends QueueItem> {
  /** Events that are neither done nor dead, in the order of `add`. Contains no dropped event. */
  readonly unfinished: ReadonlySet<Item>;
  add(item: Item): void;
  /** Makes an event that is first in its line ready at its `dueAt`. */
  readyWhenDue(item: Item): void;
  /** Takes the next ready event. */
  takeReady(): Item | undefined;
  /** Removes an event, and makes the next one of its key ready. Returns false if the event was dropped before. */
  remove(item: Item): boolean;
  /** Removes the matching events. One that is in flight stays first in its line until `remove`. */
  drop(matches: (item: Item) => boolean, isInFlight: (item: Item) => boolean): void;
}

interface QueueOptions<Item> {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Called for each event that becomes ready. */
  readonly whenReady: () => void;
  /** The turn of an event. Ready events of one turn are taken in the order in which they become ready. */
  readonly turnOf: (item: Item) => string;
}

/**
 * [Note: Order by key]
 * Events with the same key form a line. Only the first event of a line is delivered; it leaves the line when it is done or dead.
 * So a retry delays only its own key, and it uses no place among the events in flight while it waits.
 */
export function createQueue<Item extends QueueItem>({
  clock,
  timers,
  whenReady,
  turnOf,
}: QueueOptions<Item>): Queue<Item> {
  const unfinished = new Set<Item>();
  const lines = new Map<string, Item[]>();
  const ready = createFairQueue<Item>();

  const add = (item: Item): void => {
    unfinished.add(item);
    const line = item.key === null ? undefined : lines.get(item.key);
    if (line !== undefined) {
      line.push(item);
      return;
    }
    if (item.key !== null) lines.set(item.key, [item]);
    readyWhenDue(item);
  };

  const readyWhenDue = (item: Item): void => {
    const wait = item.dueAt - clock.now();
    if (wait > 0) timers.after(wait, () => makeReady(item));
    else makeReady(item);
  };

  const makeReady = (item: Item): void => {
    if (!unfinished.has(item)) return;
    ready.push(turnOf(item), item);
    whenReady();
  };

  const takeReady = (): Item | undefined => {
    let item = ready.shift();
    while (item !== undefined && !unfinished.has(item)) item = ready.shift();
    return item;
  };

  const remove = (item: Item): boolean => {
    const wasUnfinished = unfinished.delete(item);
    const line = item.key === null ? undefined : lines.get(item.key);
    if (line?.[0] === item) {
      line.shift();
      if (line.length === 0) lines.delete(item.key!);
      else readyWhenDue(line[0]!);
    }
    return wasUnfinished;
  };

  const drop: Queue<Item>['drop'] = (matches, isInFlight) => {
    for (const item of unfinished) if (matches(item)) unfinished.delete(item);
    for (const [key, line] of lines) {
      const left = line.filter((item) => unfinished.has(item) || isInFlight(item));
      if (left.length === 0) lines.delete(key);
      else lines.set(key, left);
      if (left[0] !== undefined && left[0] !== line[0]) readyWhenDue(left[0]);
    }
  };

  return { unfinished, add, readyWhenDue, takeReady, remove, drop };
}
