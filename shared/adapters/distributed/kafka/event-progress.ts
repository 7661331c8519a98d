/** How an event stands that is not simply before or after the position. */
export interface OffsetState {
  readonly offset: number;
  /** Failed attempts. */
  readonly attempts: number;
  /** Milliseconds since the epoch; null: done. */
  readonly dueAt: number | null;
}

/** The broker takes 4096 bytes with a position, by its default. */
const maxLength = 4000;
const maxAttemptsLength = 2000;

/**
 * What lies behind the position, as text that is committed with it.
 *
 * [Note: Exceptions travel with the position]
 * Kafka knows one position of a group in a partition: all before it is done. An event that waits for its next attempt holds it up
 * while later ones are done. What is done behind the position, and how often the others were tried, goes into the metadata of the
 * committed offset, so that a restart neither repeats the one nor forgets the other. What finds no room there is repeated, as
 * delivery at least once allows.
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

/** What `encodeProgress` wrote; nothing for any other text, such as that of another consumer. */
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
