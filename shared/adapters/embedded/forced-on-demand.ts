import type { Database } from './database.ts';

/** See `forcedOnDemand`. */
export interface ForcedOnDemand {
  transaction<T>(body: () => T, durable?: boolean): T;
  /** Resolves when all earlier transactions survive a power cut. Calls of the same time share one force. */
  force(): Promise<void>;
}

/**
 * Transactions that survive a crash of the process. They survive a power cut only if they are `durable`, or after `force`: forcing to
 * the disk is most of the cost of a small transaction. A forced transaction makes all earlier ones durable too.
 */
export function forcedOnDemand(database: Pick<Database, 'transaction' | 'execute' | 'force'>): ForcedOnDemand {
  let written = 0;
  let forced = 0;
  let forcing: Promise<void> = Promise.resolve();

  async function forceUpTo(mine: number): Promise<void> {
    if (forced >= mine) return;
    const reached = written;
    await database.force();
    // A durable transaction may have forced more in the meantime.
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
