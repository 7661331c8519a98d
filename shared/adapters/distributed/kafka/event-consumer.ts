import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { Clock } from '../../../ports/clock.ts';
import type { Deliver, Event, EventsState, Subscription } from '../../../ports/events.ts';
import type { StoreLog } from '../../store-log.ts';
import { passed } from '../store-calls.ts';
import { type DispatchItem, type DispatchOptions, startDispatch } from './event-dispatch.ts';
import { toEvent } from './event-message.ts';
import { type Partition, trackPartition } from './event-partition.ts';
import { decodeProgress } from './event-progress.ts';

/** Events known to a group at once; beyond it nothing more is fetched. */
const windowSize = 2000;
/** Progress may be lost in a crash (events repeat); it is written this often. */
const progressMs = 100;
/** Pause before a consumer that failed is started anew. */
const againMs = { first: 500, longest: 5000 };
/** A member of which nothing is heard so long is dead. See: [Note: Members that died] */
const sessionMs = 6000;
const heartbeatMs = 1000;
/** Leaving a broker that does not answer takes no longer; with nothing read there is nothing to save. */
const leaveMs = { reading: 2000, idle: 300 };

export interface ConsumerOptions extends DispatchOptions {
  readonly kafka: Kafka;
  readonly clock: Clock;
  readonly log: StoreLog;
  /** Names on the broker. */
  readonly groupId: string;
  readonly topicName: string;
  /** Committed positions of the group, with their metadata; -1: none. */
  readonly positions: () => Promise<readonly { partition: number; offset: number; metadata: string | null }[]>;
  /** First and next offset of every partition. */
  readonly offsets: () => Promise<readonly { partition: number; low: number; high: number }[]>;
}

export interface RunningConsumer {
  /** Resolves when the group was joined for the first time. */
  readonly joined: Promise<void>;
  state(): Promise<EventsState['groups'][number]>;
  /** Starts nothing more and resolves when nothing is in flight and all progress is durable. */
  stop(): Promise<void>;
  /** Aborts what is in flight and forgets it; what is not done comes again. */
  abandon(reason: Error): Promise<void>;
}

/**
 * A member of a consumer group that delivers a topic to one subscriber.
 *
 * [Note: Fetching apart from delivering]
 * kafkajs gives a batch of one partition at a time and holds up everything until it is done. So a batch is taken into memory at
 * once, and events are delivered from there: keys beside each other, retries without holding up other keys, the position committed
 * behind what is done. Partitions are paused when too much is known.
 *
 * [Note: Partitions that move]
 * What this member knew of a partition it has lost is forgotten, also the answers that are under way: the new owner begins at the
 * committed position. A partition that stays keeps what is known of it, and what the broker sends again is passed over.
 *
 * [Note: Members that died]
 * Who is killed does not leave the group, and whoever comes next waits until the broker has heard nothing of it for `sessionMs`. The
 * driver can neither take its place under the same name (group.instance.id, tulios/kafkajs#884) nor put it out. Who is killed while it
 * waits costs as much again: its join stands with the broker, which makes it the leader, and the others wait in SyncGroup for what it
 * would assign. That has to end before a request is given up (10 s, kafka-client.ts): else the driver starts anew without leaving, and
 * there is one more to wait for. Measured with 8 groups, from restart to reading, the slowest: after one kill 15.1 s with a session of
 * 15 s and 6.1 s with 6 s; killed again after 4 s 36.6 s, where SyncGroup was given up, and 8.1 s; killed five times 15.4 s and 6.8 s.
 * 6 s is the least that brokers allow by default (group.min.session.timeout.ms). The driver sends heartbeats between fetches, each
 * 0.25 s at most; so only a process that stands still for 5 s is taken for dead. With both cores fourfold busy the longest was 1 s in
 * 45 s, and no member was put out. One that stood still for 9 s read again after 0.2 s; nothing was repeated, since it kept what it knew.
 */
export function startConsumer(subscription: Subscription, deliver: Deliver, options: ConsumerOptions): RunningConsumer {
  const { topic, group, types } = subscription;
  const { kafka, clock, log, groupId, topicName, positions, offsets } = options;
  const wanted = types === undefined ? undefined : new Set(types);
  const dispatch = startDispatch(subscription, deliver, options);
  const partitions = new Map<number, Promise<Partition>>();
  const tracked = new Map<number, Partition>();
  const ownerOf = new WeakMap<DispatchItem, Partition>();
  let consumer: Consumer | undefined;
  let failures = 0;
  let paused = false;
  let ended = false;
  let saving: Promise<void> | undefined;
  let cancelSave: (() => void) | undefined;
  let cancelRestart: () => void = () => undefined;
  let whenJoined: () => void = () => undefined;
  const joined = new Promise<void>((resolve) => {
    whenJoined = resolve;
  });
  let starting = start();

  async function start(): Promise<void> {
    const member = kafka.consumer({
      groupId,
      allowAutoTopicCreation: false,
      sessionTimeout: sessionMs,
      heartbeatInterval: heartbeatMs,
      maxWaitTimeInMs: 250,
      // Restarted here when it fails for good, whatever it was.
      retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 60, restartOnFailure: async () => false },
    });
    consumer = member;
    member.on(member.events.GROUP_JOIN, ({ payload }) => {
      failures = 0;
      assign(payload.memberAssignment[topicName] ?? []);
    });
    member.on(member.events.REBALANCING, () => void save().catch(() => undefined));
    member.on(member.events.END_BATCH_PROCESS, ({ payload }) => {
      // Batches of nothing but the marks of transactions come here alone.
      tracked.get(payload.partition)?.reach(Number(payload.lastOffset) + 1);
    });
    member.on(member.events.CRASH, ({ payload }) => startAgain(member, payload.error));
    try {
      await member.connect();
      await member.subscribe({ topic: topicName, fromBeginning: true });
      await member.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: (batch) => takeIn(member, batch) });
    } catch (error) {
      startAgain(member, error);
    }
  }

  function startAgain(member: Consumer, error: unknown): void {
    if (ended || consumer !== member) return;
    consumer = undefined;
    failures++;
    const pause = Math.min(againMs.first * 2 ** Math.min(failures - 1, 10), againMs.longest);
    log.warn({ topic, group, err: error }, 'reading a topic failed; starting again');
    void member.disconnect().catch(() => undefined);
    cancelRestart = clock.after(pause, () => {
      if (!ended) starting = start();
    });
  }

  function assign(numbers: readonly number[]): void {
    const kept = new Set(numbers);
    for (const number of partitions.keys()) if (!kept.has(number)) forget(number);
    const fresh = numbers.filter((number) => !partitions.has(number));
    if (fresh.length > 0) {
      const loading = load();
      for (const number of fresh) {
        const partition = loading.then((load) => load(number));
        partition.then(
          (known) => {
            if (partitions.get(number) === partition) tracked.set(number, known);
          },
          () => {
            if (partitions.get(number) === partition) partitions.delete(number);
          },
        );
        partitions.set(number, partition);
      }
      Promise.all(fresh.map((number) => partitions.get(number))).then(whenJoined, () => undefined);
    } else whenJoined();
  }

  async function load(): Promise<(number: number) => Partition> {
    const [committed, kept] = await Promise.all([positions(), offsets()]);
    return (number) => {
      const { offset, metadata } = committed.find(({ partition }) => partition === number) ?? {
        offset: -1,
        metadata: null,
      };
      const low = kept.find(({ partition }) => partition === number)?.low ?? 0;
      const position = Math.max(offset, low);
      return trackPartition(number, position, offset < low ? [] : decodeProgress(offset, metadata));
    };
  }

  function forget(number: number): void {
    partitions.delete(number);
    const partition = tracked.get(number);
    tracked.delete(number);
    if (partition !== undefined) dispatch.drop((item) => ownerOf.get(item) === partition);
  }

  async function takeIn(member: Consumer, { batch, resolveOffset, heartbeat }: EachBatchPayload): Promise<void> {
    const partition = await partitions.get(batch.partition);
    // Of a partition that has just been lost, or that could not be looked up: it comes again.
    if (partition === undefined || tracked.get(batch.partition) !== partition) return;
    for (const message of batch.messages) {
      const offset = Number(message.offset);
      if (offset >= partition.next) takeInOne(partition, offset, message);
    }
    partition.reach(Number(batch.lastOffset()) + 1);
    resolveOffset(batch.lastOffset());
    saveLater();
    if (!paused && known() >= windowSize) {
      paused = true;
      member.pause([{ topic: topicName }]);
    }
    await heartbeat();
  }

  function takeInOne(
    partition: Partition,
    offset: number,
    message: EachBatchPayload['batch']['messages'][number],
  ): void {
    const before = partition.before(offset);
    partition.reach(offset + 1);
    if (before?.dueAt === null) return;
    const event = toEvent(topic, partition.number, message);
    if (wanted !== undefined && !wanted.has(event.type)) return;
    partition.begin(offset, Number(message.timestamp));
    const item: DispatchItem = {
      event,
      key: keyOf(event),
      attempts: before?.attempts ?? 0,
      waits: 0,
      dueAt: before?.dueAt ?? 0,
      tried() {
        partition.tried(offset, item.attempts, item.dueAt);
        saveNow();
      },
      finished() {
        partition.finish(offset);
        saveLater();
        resume();
      },
    };
    ownerOf.set(item, partition);
    dispatch.add(item);
  }

  const known = (): number => [...tracked.values()].reduce((sum, { unfinished }) => sum + unfinished.size, 0);

  function resume(): void {
    if (!paused || known() > windowSize / 2) return;
    paused = false;
    consumer?.resume([{ topic: topicName }]);
  }

  function saveLater(): void {
    cancelSave ??= clock.after(progressMs, () => {
      cancelSave = undefined;
      saveNow();
    });
  }

  function saveNow(): void {
    save().catch((error: unknown) => {
      log.warn({ topic, group, err: error }, 'progress could not be saved; trying again');
      if (!ended) saveLater();
    });
  }

  /** One after another; who comes while one is under way gets the next. */
  function save(): Promise<void> {
    const before = saving ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(commit);
    saving = mine;
    return mine;
  }

  async function commit(): Promise<void> {
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

  async function leave(): Promise<void> {
    ended = true;
    cancelRestart();
    cancelSave?.();
    const going = async () => {
      await starting.catch(() => undefined);
      await save().catch((error: unknown) => log.warn({ topic, group, err: error }, 'progress could not be saved'));
      await consumer?.disconnect().catch(() => undefined);
    };
    await Promise.race([going(), passed(tracked.size === 0 ? leaveMs.idle : leaveMs.reading)]);
  }

  return {
    joined,
    async state() {
      const ends = await offsets();
      let waiting = 0;
      let oldestAt: number | null = null;
      for (const { number, next, unfinished } of tracked.values()) {
        const high = ends.find(({ partition }) => partition === number)?.high ?? next;
        waiting += unfinished.size + Math.max(0, high - next);
        for (const publishedAt of unfinished.values()) {
          if (oldestAt === null || publishedAt < oldestAt) oldestAt = publishedAt;
        }
      }
      return { topic, group, waiting, oldestAt };
    },
    async stop() {
      try {
        consumer?.pause([{ topic: topicName }]);
      } catch {
        // It has not begun.
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

/** Kafka orders what has the same key; so do we. */
const keyOf = ({ partitionkey }: Event): string | null => (typeof partitionkey === 'string' ? partitionkey : null);
