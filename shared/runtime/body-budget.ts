/** Limit for the bytes of request bodies in the memory of a process. */
export interface BodyBudget {
  /** Reserves memory. false: the limit would be exceeded, and nothing is reserved. */
  take(bytes: number): boolean;
  /** Releases reserved memory. */
  give(bytes: number): void;
}

/**
 * [Note: Rejecting requests before memory runs out]
 * 200 uploads of 10 MB at the same time need 2 GB before the first one is processed. So all request bodies share one budget. When it is
 * used up, new requests are rejected with 429, and their clients may retry. Requests with a body in memory are served.
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
