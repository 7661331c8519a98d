import type { Database } from './database.ts';
import type { TransactionRunner } from './group-commit.ts';

/**
 * Transactions that survive the death of the process, and a power cut only when they ask for it: being forced to the disk is most of
 * what a small one costs. A forced one takes along all that came before it.
 */
export function forcedOnDemand(database: Database): TransactionRunner {
  database.execute('PRAGMA synchronous = NORMAL');
  return {
    transaction(body, durable) {
      if (durable !== true) return database.transaction(body);
      database.execute('PRAGMA synchronous = FULL');
      try {
        database.transaction(body);
      } finally {
        database.execute('PRAGMA synchronous = NORMAL');
      }
    },
  };
}
