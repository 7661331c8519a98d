import type { Clock } from '../../ports/clock.ts';
import type { StoreLog } from '../store-log.ts';

export interface StoreOptions {
  /** Folder that holds everything; made with mode 0700 when missing. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log?: StoreLog | undefined;
}
