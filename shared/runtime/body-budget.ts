/** Bytes of request bodies that a process holds at once. */
export interface BodyBudget {
  /** false: there is no room for them now. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/**
 * [Note: Shedding before memory runs out]
 * Two hundred uploads of 10 MB at once are 2 GB before the first is looked at. So bodies share a budget: who comes when it is
 * spent is told to come again (429), while those who were let in are served.
 */
export function createBodyBudget(limit: number): BodyBudget {
  let held = 0;
  return {
    take(bytes) {
      if (held + bytes > limit) return false;
      held += bytes;
      return true;
    },
    give(bytes) {
      held -= bytes;
    },
  };
}
