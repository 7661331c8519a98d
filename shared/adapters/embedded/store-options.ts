import type { Clock } from '../../ports/clock.ts';
import type { StoreLog } from '../store-log.ts';

export interface StoreOptions {
  /** Folder of all data; created with mode 0700 if it is missing. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log?: StoreLog | undefined;
}
