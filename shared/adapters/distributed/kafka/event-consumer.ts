import type { Consumer, EachBatchPayload } from 'kafkajs';
import type { Failure } from '../../../ports/dead-letter-event.ts';
import type { Deliver, Event, EventsState, Subscription } from '../../../ports/events.ts';
import { type DispatchItem, startDispatch } from '../../delivery/dispatch.ts';
import { createSaver } from '../../delivery/saver.ts';
import { createTimers } from '../../delivery/timers.ts';
import type { StoreLog } from '../../store-log.ts';
import { passed } from '../store-calls.ts';
import { type Assignment, type AssignmentOptions, trackAssignment } from './event-assignment.ts';
import { joinGroup, type Member, type MemberOptions } from './event-member.ts';
import { toEvent } from './event-message.ts';
import type { Partition } from './event-partition.ts';

/** Most events that a member keeps in memory; then it fetches nothing more. */
const windowSize = 2000;
/** Most time to leave a group when the broker does not answer. An idle member has no progress to save. */
const leaveMs = { reading: 2000, idle: 300 };

export interface ConsumerOptions
  extends AssignmentOptions,
    Pick<MemberOptions, 'kafka' | 'clock' | 'groupId' | 'topicName'> {
  /** 0..1, for the jitter of retries. */
  readonly random: () => number;
  readonly log: StoreLog;
  /** Stores an event that is given up. */
  readonly bury: (event: Event, failure: Failure) => Promise<void>;
}

export interface RunningConsumer {
  /** Resolves when the member has joined the group for the first time. */
  readonly joined: Promise<void>;
  state(): Promise<EventsState['groups'][number]>;
  /** Starts no more events; resolves when no event is in flight and all progress is durable. */
  stop(): Promise<void>;
  /** Aborts the events in flight and ignores their replies. Unfinished events are delivered again. */
  abandon(reason: Error): Promise<void>;
}

interface Item extends DispatchItem {
  readonly event: Event;
  readonly partition: Partition;
  readonly offset: number;
}

/**
 * A member of a consumer group that delivers a topic to one subscriber.
 *
 * [Note: Fetching and delivering]
 * kafkajs passes one batch of one partition at a time, and waits until the batch is done. So this member copies a batch to memory at
 * once and delivers the events from there: different keys in parallel, a retry delays only its own key, and the committed position
 * follows the finished events. The member pauses the topic when it has too many events in memory.
 */
export function startConsumer(subscription: Subscription, deliver: Deliver, options: ConsumerOptions): RunningConsumer {
  const { topic, group } = subscription;
  const { clock, random, log, topicName, offsets } = options;
  const timers = createTimers(clock);
  const dispatch = startDispatch<Item>(subscription, deliver, {
    clock,
    random,
    log,
    store: {
      eventOf: ({ event }) => event,
      logFields: ({ event }) => ({ event: event.id }),
      tried({ partition, offset, attempts, dueAt }) {
        partition.tried(offset, attempts, dueAt);
        saver.now();
      },
      storeDeadLetter: ({ event }, failure) => options.bury(event, failure),
      finished({ partition, offset }) {
        partition.finish(offset);
        saver.later();
        reader.resume(member.consumer);
      },
    },
  });
  const assignment = trackAssignment(options, (lost) => dispatch.drop(({ partition }) => partition === lost));
  const saver = createSaver(
    timers,
    oneAfterAnother(() => commit(member.consumer, topicName, assignment)),
    (error) => log.warn({ topic, group, err: error }, 'progress could not be saved; trying again'),
  );
  const reader = createReader(subscription, topicName, {
    assignment,
    add: dispatch.add,
    batchRead: saver.later,
  });
  let whenJoined: () => void = () => undefined;
  const joined = new Promise<void>((resolve) => {
    whenJoined = resolve;
  });
  const member = joinGroup({
    ...options,
    assigned: (numbers) => void assignment.assign(numbers).then(whenJoined, () => undefined),
    rebalancing: () => void saver.flush().catch(() => undefined),
    reached: (number, next) => assignment.tracked.get(number)?.reach(next),
    batch: reader.readBatch,
    failed: (error) => log.warn({ topic, group, err: error }, 'reading a topic failed; starting again'),
  });

  const leave = async (): Promise<void> => {
    timers.close();
    const saved = () =>
      saver.flush().catch((error: unknown) => log.warn({ topic, group, err: error }, 'progress could not be saved'));
    const leaving = leaveGroup(member, saved);
    await Promise.race([leaving, passed(assignment.tracked.size === 0 ? leaveMs.idle : leaveMs.reading)]);
  };

  return {
    joined,
    state: async () => ({ topic, group, ...unfinishedIn(assignment, await offsets()) }),
    async stop() {
      try {
        member.consumer?.pause([{ topic: topicName }]);
      } catch {
        // The consumer has not started.
      }
      await dispatch.stop();
      await leave();
    },
    async abandon(reason) {
      dispatch.abandon(reason);
      await leave();
    },
  };
}

async function leaveGroup(member: Member, save: () => Promise<void>): Promise<void> {
  await member.end();
  await save();
  await member.consumer?.disconnect().catch(() => undefined);
}

/** Copies batches to memory and passes their events to `add`. `batchRead` is called after each batch. */
function createReader(
  { topic, types }: Subscription,
  topicName: string,
  { assignment, add, batchRead }: { assignment: Assignment; add: (item: Item) => void; batchRead: () => void },
) {
  const wanted = types === undefined ? undefined : new Set(types);
  let paused = false;

  const readBatch = async (consumer: Consumer, payload: EachBatchPayload): Promise<void> => {
    const { batch, resolveOffset, heartbeat } = payload;
    const partition = await assignment.find(batch.partition);
    // The member lost the partition. The new owner gets the batch again.
    if (partition === undefined) return;
    for (const message of batch.messages) readMessage(partition, message);
    partition.reach(Number(batch.lastOffset()) + 1);
    resolveOffset(batch.lastOffset());
    batchRead();
    if (!paused && eventsInMemory(assignment) >= windowSize) {
      paused = true;
      consumer.pause([{ topic: topicName }]);
    }
    await heartbeat();
  };

  const readMessage = (partition: Partition, message: EachBatchPayload['batch']['messages'][number]): void => {
    const offset = Number(message.offset);
    if (offset < partition.next) return;
    const before = partition.before(offset);
    partition.reach(offset + 1);
    if (before?.dueAt === null) return;
    const event = toEvent(topic, partition.number, message);
    if (wanted !== undefined && !wanted.has(event.type)) return;
    partition.begin(offset, Number(message.timestamp));
    add({
      event,
      partition,
      offset,
      key: keyOf(event),
      attempts: before?.attempts ?? 0,
      waits: 0,
      dueAt: before?.dueAt ?? 0,
    });
  };

  /** Fetches again once half of the window is free. */
  const resume = (consumer: Consumer | undefined): void => {
    if (!paused || eventsInMemory(assignment) > windowSize / 2) return;
    paused = false;
    consumer?.resume([{ topic: topicName }]);
  };

  return { readBatch, resume };
}

const eventsInMemory = ({ tracked }: Assignment): number =>
  [...tracked.values()].reduce((sum, { unfinished }) => sum + unfinished.size, 0);

/** Kafka orders messages with the same key; so does the dispatch. */
const keyOf = ({ partitionkey }: Event): string | null => (typeof partitionkey === 'string' ? partitionkey : null);

/** Runs `run` once for each call, and never twice at the same time. */
function oneAfterAnother(run: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return () => {
    last = last.catch(() => undefined).then(run);
    return last;
  };
}

/** Commits the progress of all partitions that changed since their last commit. */
async function commit(consumer: Consumer | undefined, topicName: string, { tracked }: Assignment): Promise<void> {
  const changes = [...tracked.values()].flatMap((partition) => {
    const progress = partition.progress();
    return progress === null ? [] : [{ partition, progress }];
  });
  if (changes.length === 0 || consumer === undefined) return;
  await consumer.commitOffsets(
    changes.map(({ partition, progress }) => ({
      topic: topicName,
      partition: partition.number,
      offset: String(progress.position),
      metadata: progress.metadata,
    })),
  );
  for (const { partition, progress } of changes) partition.saved(progress);
}

/** Unfinished events in memory, and events on the broker that this member has not read. */
function unfinishedIn(
  { tracked }: Assignment,
  ends: readonly { partition: number; high: number }[],
): { waiting: number; oldestAt: number | null } {
  let waiting = 0;
  let oldestAt: number | null = null;
  for (const { number, next, unfinished } of tracked.values()) {
    const high = ends.find(({ partition }) => partition === number)?.high ?? next;
    waiting += unfinished.size + Math.max(0, high - next);
    for (const publishedAt of unfinished.values()) {
      if (oldestAt === null || publishedAt < oldestAt) oldestAt = publishedAt;
    }
  }
  return { waiting, oldestAt };
}
