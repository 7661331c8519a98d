import type { Database } from './database.ts';

/**
 * Transactions that survive the death of the process, and a power cut only when they ask for it: being forced to the disk is most of
 * what a small one costs. A forced one takes along all that came before it.
 */
export function forcedOnDemand(database: Database) {
  return {
    transaction<T>(body: () => T, durable = false): T {
      if (durable) return database.transaction(body);
      database.execute('PRAGMA synchronous = NORMAL');
      try {
        return database.transaction(body);
      } finally {
        database.execute('PRAGMA synchronous = FULL');
      }
    },
  };
}
