import { encodeProgress, type OffsetState } from './event-progress.ts';

/** State of one partition while a group reads it. Offsets count from 0. */
export interface Partition {
  readonly number: number;
  /** The first offset that was not read yet. */
  readonly next: number;
  /** Unfinished events by offset, oldest first, with their time of publication in milliseconds since the epoch. */
  readonly unfinished: ReadonlyMap<number, number>;
  /** All offsets before `next` were read. A smaller value than before is ignored. */
  reach(next: number): void;
  /** State of an offset that an earlier process committed; undefined: the offset is new. */
  before(offset: number): OffsetState | undefined;
  begin(offset: number, publishedAt: number): void;
  tried(offset: number, attempts: number, dueAt: number): void;
  finish(offset: number): void;
  /** Progress to commit; null if it has not changed since the last commit. */
  progress(): { readonly position: number; readonly metadata: string } | null;
  /** `progress` was committed. */
  saved(progress: { readonly position: number; readonly metadata: string }): void;
}

export function trackPartition(number: number, position: number, states: readonly OffsetState[]): Partition {
  const earlier = new Map(states.map((state) => [state.offset, state]));
  const unfinished = new Map<number, number>();
  /** States after the position. */
  const exceptions = new Map<number, OffsetState>(earlier);
  let next = position;
  let last = { position, metadata: encodeProgress(position, states) };

  return {
    number,
    get next() {
      return next;
    },
    unfinished,
    reach(offset) {
      next = Math.max(next, offset);
    },
    before: (offset) => earlier.get(offset),
    begin: (offset, publishedAt) => void unfinished.set(offset, publishedAt),
    tried: (offset, attempts, dueAt) => void exceptions.set(offset, { offset, attempts, dueAt }),
    finish(offset) {
      unfinished.delete(offset);
      exceptions.set(offset, { offset, attempts: 0, dueAt: null });
    },
    progress() {
      const first = unfinished.keys().next();
      const now = first.done === true ? next : first.value;
      for (const offset of exceptions.keys()) if (offset < now) exceptions.delete(offset);
      for (const offset of earlier.keys()) if (offset < now) earlier.delete(offset);
      const metadata = encodeProgress(now, exceptions.values());
      return now === last.position && metadata === last.metadata ? null : { position: now, metadata };
    },
    saved(progress) {
      last = progress;
    },
  };
}
