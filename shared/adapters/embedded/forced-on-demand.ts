import type { Database } from './database.ts';

/** See forcedOnDemand. */
export interface ForcedOnDemand {
  transaction<T>(body: () => T, durable?: boolean): T;
  /** Resolves when all transactions so far survive a power cut. Those who ask at the same time share the way to the disk. */
  force(): Promise<void>;
}

/**
 * Transactions that survive the death of the process, and a power cut only when they ask for it, at once or later: being forced to the
 * disk is most of what a small one costs. A forced one takes along all that came before it.
 */
export function forcedOnDemand(database: Pick<Database, 'transaction' | 'execute' | 'force'>): ForcedOnDemand {
  let written = 0;
  let forced = 0;
  let forcing: Promise<void> = Promise.resolve();

  async function forceUpTo(mine: number): Promise<void> {
    if (forced >= mine) return;
    const reached = written;
    await database.force();
    // One that was forced at once meanwhile went further.
    forced = Math.max(forced, reached);
  }

  return {
    transaction(body, durable = false) {
      if (durable) {
        const result = database.transaction(body);
        forced = written;
        return result;
      }
      database.execute('PRAGMA synchronous = NORMAL');
      try {
        return database.transaction(body);
      } finally {
        database.execute('PRAGMA synchronous = FULL');
        written++;
      }
    },
    force() {
      const mine = written;
      forcing = forcing.catch(() => undefined).then(() => forceUpTo(mine));
      return forcing;
    },
  };
}
