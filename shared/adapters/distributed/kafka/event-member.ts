import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { Clock } from '../../../ports/clock.ts';

/** Pause before a failed consumer is replaced. */
const againMs = { first: 500, longest: 5000 };
/** The broker removes a member after this time without a heartbeat. See: [Note: Dead members] */
const sessionMs = 6000;
const heartbeatMs = 1000;

export interface MemberOptions {
  readonly kafka: Kafka;
  readonly clock: Clock;
  /** Names on the broker. */
  readonly groupId: string;
  readonly topicName: string;
  /** The broker assigned these partitions of the topic. */
  readonly assigned: (partitions: readonly number[]) => void;
  /** The broker is about to assign the partitions again. */
  readonly rebalancing: () => void;
  /** All messages before `next` were read. Called also for batches that contain only transaction markers. */
  readonly reached: (partition: number, next: number) => void;
  readonly batch: (consumer: Consumer, payload: EachBatchPayload) => Promise<void>;
  /** The consumer failed and is replaced. */
  readonly failed: (error: unknown) => void;
}

/** A place in a consumer group. */
export interface Member {
  /** undefined while a failed consumer waits for its replacement. */
  readonly consumer: Consumer | undefined;
  /** Starts no new consumer; resolves when the current one has started or failed. */
  end(): Promise<void>;
}

/**
 * Joins a consumer group, and joins again when the consumer fails.
 *
 * [Note: Dead members]
 * A killed process does not leave the group. The next member waits until the broker has received no heartbeat of it for `sessionMs`.
 * The driver can neither take over the place under the same name (group.instance.id, tulios/kafkajs#884) nor remove the dead member. If
 * a process is killed while it waits, the wait doubles: the broker keeps its join and makes it the leader, and the others wait in
 * SyncGroup for its assignment. This wait must end before the request times out (10 s, client.ts); otherwise the driver joins again
 * without leaving, and the group has one more dead member to wait for.
 *
 * Slowest of 8 groups, from restart to reading, measured with a session of 15 s and of 6 s: after one kill 15.1 s and 6.1 s; killed again
 * after 4 s 36.6 s (SyncGroup timed out) and 8.1 s; killed five times 15.4 s and 6.8 s.
 *
 * Brokers allow 6 s or more by default (group.min.session.timeout.ms). The driver sends heartbeats between fetches of at most 0.25 s, so
 * only a process that is blocked for 5 s counts as dead. With four times as much work as two cores can do, the longest block was 1 s
 * in 45 s, and no member was removed. A member that was blocked for 9 s read again after 0.2 s; no event was repeated, because it still
 * had its state.
 */
export function joinGroup(options: MemberOptions): Member {
  const { kafka, clock, groupId, topicName } = options;
  let consumer: Consumer | undefined;
  let failures = 0;
  let ended = false;
  let cancelRestart: () => void = () => undefined;
  let starting = start();

  async function start(): Promise<void> {
    const current = kafka.consumer({
      groupId,
      allowAutoTopicCreation: false,
      sessionTimeout: sessionMs,
      heartbeatInterval: heartbeatMs,
      maxWaitTimeInMs: 250,
      // `startAgain` replaces a consumer that gives up, whatever the reason.
      retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 60, restartOnFailure: async () => false },
    });
    consumer = current;
    listen(current);
    try {
      await current.connect();
      await current.subscribe({ topic: topicName, fromBeginning: true });
      await current.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: (payload) => options.batch(current, payload),
      });
    } catch (error) {
      startAgain(current, error);
    }
  }

  function listen(current: Consumer): void {
    const { GROUP_JOIN, REBALANCING, END_BATCH_PROCESS, CRASH } = current.events;
    current.on(GROUP_JOIN, ({ payload }) => {
      failures = 0;
      options.assigned(payload.memberAssignment[topicName] ?? []);
    });
    current.on(REBALANCING, () => options.rebalancing());
    current.on(END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) =>
      options.reached(partition, Number(lastOffset) + 1),
    );
    current.on(CRASH, ({ payload }) => startAgain(current, payload.error));
  }

  function startAgain(current: Consumer, error: unknown): void {
    if (ended || consumer !== current) return;
    consumer = undefined;
    failures++;
    const pause = Math.min(againMs.first * 2 ** Math.min(failures - 1, 10), againMs.longest);
    options.failed(error);
    void current.disconnect().catch(() => undefined);
    cancelRestart = clock.after(pause, () => {
      if (!ended) starting = start();
    });
  }

  return {
    get consumer() {
      return consumer;
    },
    async end() {
      ended = true;
      cancelRestart();
      await starting.catch(() => undefined);
    },
  };
}
