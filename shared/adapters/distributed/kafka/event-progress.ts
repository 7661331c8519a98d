/** State of an offset after the position: tried, or done. */
export interface OffsetState {
  readonly offset: number;
  /** Failed attempts. */
  readonly attempts: number;
  /** Milliseconds since the epoch; null: done. */
  readonly dueAt: number | null;
}

/** By default, a broker accepts 4096 bytes of metadata with an offset. */
const maxLength = 4000;
const maxAttemptsLength = 2000;

/**
 * The states after the position, as text that is committed with it.
 *
 * [Note: Progress in offset metadata]
 * Kafka stores one position of a group for each partition: all offsets before it are done. An event that waits for its next attempt
 * stops the position, while later events are done. So the metadata of the committed offset contains the later offsets that are done,
 * and the attempts of the others. After a restart, done events are not repeated and attempts still count. States that do not fit are
 * dropped; those events are repeated, as at-least-once delivery allows.
 */
export function encodeProgress(position: number, states: Iterable<OffsetState>): string {
  const sorted = [...states].filter(({ offset }) => offset >= position).toSorted((a, b) => a.offset - b.offset);
  const tried: [offset: number, attempts: number, dueAt: number][] = [];
  const done: [offset: number, count: number][] = [];
  let length = 20;
  const hasRoom = (entry: readonly number[], most: number): boolean => {
    length += entry.join(',').length + 3;
    return length <= most;
  };
  for (const { offset, attempts, dueAt } of sorted) {
    if (dueAt === null) continue;
    const entry: [number, number, number] = [offset - position, attempts, dueAt];
    if (!hasRoom(entry, maxAttemptsLength)) break;
    tried.push(entry);
  }
  for (const { offset, dueAt } of sorted) {
    if (dueAt !== null) continue;
    const last = done.at(-1);
    if (last !== undefined && last[0] + last[1] === offset - position) last[1]++;
    else if (hasRoom([offset - position, 100_000], maxLength)) done.push([offset - position, 1]);
    else break;
  }
  return tried.length === 0 && done.length === 0 ? '' : JSON.stringify({ v: 1, tried, done });
}

/** Reads the text of `encodeProgress`; returns no states for any other text, for example of another consumer. */
export function decodeProgress(position: number, metadata: string | null): OffsetState[] {
  if (metadata === null || metadata === '') return [];
  try {
    const { v, tried, done } = JSON.parse(metadata) as { v: unknown; tried: number[][]; done: number[][] };
    if (v !== 1) return [];
    return [
      ...tried.map(([offset, attempts, dueAt]) => ({ offset: position + offset!, attempts: attempts!, dueAt: dueAt! })),
      ...done.flatMap(([offset, count]) =>
        Array.from({ length: Math.min(count!, 100_000) }, (_, i) => ({
          offset: position + offset! + i,
          attempts: 0,
          dueAt: null,
        })),
      ),
    ];
  } catch {
    return [];
  }
}
