import type { Timers } from './timers.ts';

/** A crash loses the progress of this period; its events are delivered again. */
const progressMs = 100;

/** Decides when a group's progress is saved. */
export interface Saver {
  /** Saves within `progressMs`. */
  later(): void;
  /** Saves without waiting for the result. A failed save is repeated. */
  now(): void;
  /** Saves once. Errors: those of `save`. */
  flush(): Promise<void>;
}

/** `failed` receives the error of a save that is repeated. */
export function createSaver(timers: Timers, save: () => Promise<void>, failed: (error: unknown) => void): Saver {
  let unsaved = false;
  let timerRuns = false;

  const later = (): void => {
    unsaved = true;
    if (timerRuns) return;
    timerRuns = true;
    timers.after(progressMs, () => {
      timerRuns = false;
      if (unsaved) now();
    });
  };

  const now = (): void => {
    flush().catch((error: unknown) => {
      failed(error);
      later();
    });
  };

  const flush = async (): Promise<void> => {
    unsaved = false;
    try {
      await save();
    } catch (error) {
      unsaved = true;
      throw error;
    }
  };

  return { later, now, flush };
}
