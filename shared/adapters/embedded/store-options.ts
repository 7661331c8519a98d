import type { Clock } from '../../ports/clock.ts';

/** What a store may say while it works: identifiers and numbers, never what it keeps. A pino logger fits. */
export interface StoreLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface StoreOptions {
  /** Folder that holds everything; made with mode 0700 when missing. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log?: StoreLog | undefined;
}
