import { type Partition, trackPartition } from './event-partition.ts';
import { decodeProgress } from './event-progress.ts';

export interface AssignmentOptions {
  /** Committed positions of the group, with their metadata; -1: none. */
  readonly positions: () => Promise<readonly { partition: number; offset: number; metadata: string | null }[]>;
  /** First and next offset of every partition. */
  readonly offsets: () => Promise<readonly { partition: number; low: number; high: number }[]>;
}

const nothingCommitted = { offset: -1, metadata: null };

/** Partitions that the broker assigns to one member of a group. */
export interface Assignment {
  /** Assigned partitions whose committed position is known. */
  readonly tracked: ReadonlyMap<number, Partition>;
  /** Replaces the assigned partitions. Resolves when all positions are known. Errors: those of the options. */
  assign(numbers: readonly number[]): Promise<void>;
  /** The partition once its position is known; undefined if it is not assigned any more. Errors: those of the options. */
  find(number: number): Promise<Partition | undefined>;
}

/**
 * `lost` is called for each tracked partition that is assigned to another member.
 *
 * [Note: Partitions that move]
 * When a member loses a partition, it forgets the events of the partition and ignores the replies of those in flight: the new owner
 * starts at the committed position. A member keeps its knowledge of a partition that stays, and skips what the broker sends again.
 */
export function trackAssignment(
  { positions, offsets }: AssignmentOptions,
  lost: (partition: Partition) => void,
): Assignment {
  const partitions = new Map<number, Promise<Partition>>();
  const tracked = new Map<number, Partition>();

  const assign = async (numbers: readonly number[]): Promise<void> => {
    for (const number of partitions.keys()) if (!numbers.includes(number)) forget(number);
    const fresh = numbers.filter((number) => !partitions.has(number));
    if (fresh.length === 0) return;
    const loading = load();
    await Promise.all(
      fresh.map((number) =>
        track(
          number,
          loading.then((partitionOf) => partitionOf(number)),
        ),
      ),
    );
  };

  const forget = (number: number): void => {
    partitions.delete(number);
    const partition = tracked.get(number);
    tracked.delete(number);
    if (partition !== undefined) lost(partition);
  };

  const load = async (): Promise<(number: number) => Partition> => {
    const [committed, kept] = await Promise.all([positions(), offsets()]);
    return (number) => {
      const { offset, metadata } = committed.find(({ partition }) => partition === number) ?? nothingCommitted;
      const low = kept.find(({ partition }) => partition === number)?.low ?? 0;
      return trackPartition(number, Math.max(offset, low), offset < low ? [] : decodeProgress(offset, metadata));
    };
  };

  const track = async (number: number, loading: Promise<Partition>): Promise<void> => {
    partitions.set(number, loading);
    try {
      const partition = await loading;
      if (partitions.get(number) === loading) tracked.set(number, partition);
    } catch (error) {
      if (partitions.get(number) === loading) partitions.delete(number);
      throw error;
    }
  };

  return {
    tracked,
    assign,
    async find(number) {
      const partition = await partitions.get(number);
      return tracked.get(number) === partition ? partition : undefined;
    },
  };
}
