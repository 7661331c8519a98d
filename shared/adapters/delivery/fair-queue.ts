export interface FairQueue<Item> {
  push(turn: string, item: Item): void;
  /** undefined when the queue is empty. */
  shift(): Item | undefined;
}

/**
 * A queue in which every turn (a tenant) gives one item after another: the items of one turn keep their order, and a turn with
 * thousands of items delays an item of another turn by one item.
 */
export function createFairQueue<Item>(): FairQueue<Item> {
  /** In the order of the next turns. No list is empty. */
  const turns = new Map<string, Item[]>();
  return {
    push(turn, item) {
      const items = turns.get(turn);
      if (items === undefined) turns.set(turn, [item]);
      else items.push(item);
    },
    shift() {
      const next = turns.entries().next();
      if (next.done === true) return undefined;
      const [turn, items] = next.value;
      const item = items.shift();
      turns.delete(turn);
      if (items.length > 0) turns.set(turn, items);
      return item;
    },
  };
}
