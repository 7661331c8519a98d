import type { CloudEventV1 } from 'cloudevents';
import type { CallOptions } from './tenant.ts';

export type Event = CloudEventV1<unknown>;

/**
 * Reply of a subscriber. The HTTP status decides: 2xx is done; 404, 408, 409, 429 and 5xx are retried; any other is a
 * dead letter at once.
 */
export interface EventAnswer {
  readonly status: number;
  readonly reason?: string | undefined;
  /** Seconds after which a retry makes sense. */
  readonly retryAfter?: number | undefined;
  /**
   * The subscriber did not try, because a port it needs is down. Retry after this many milliseconds; the attempt does
   * not count.
   */
  readonly notTriedMs?: number | undefined;
  /**
   * The event is not the cause of the failure: a port that the subscriber needs is down or has no room. Retry with pauses that grow up
   * to a minute; the attempt does not count.
   */
  readonly blameless?: boolean | undefined;
}

export interface Delivery {
  /** Number of attempts after the first one. */
  readonly retry: number;
  readonly backoff: 'exponential' | 'linear';
  /**
   * Pause before the first retry, in milliseconds. It doubles with each retry (exponential) or stays (linear), plus up
   * to 20 % of jitter.
   */
  readonly backoffDelayMs: number;
  /**
   * Limit of one attempt, in milliseconds. After it the signal is aborted and the attempt counts as 504, also when the
   * subscriber continues.
   */
  readonly timeoutMs: number;
}

export interface Subscription {
  /** Fixed name. The position in the topic is stored under it. */
  readonly group: string;
  readonly topic: string;
  /** Only events of these types are delivered; others are skipped. Absent: all types. */
  readonly types?: readonly string[] | undefined;
  readonly delivery: Delivery;
  /** Most events in flight at once. Events with the same `partitionkey` never overlap and keep their order. */
  readonly concurrency: number;
}

export interface EventsState {
  /** Groups that are subscribed in this process, and the events that they have not finished. */
  readonly groups: readonly {
    readonly topic: string;
    readonly group: string;
    /** Number of events that are not finished. */
    readonly waiting: number;
    /** When the oldest of these was published, in milliseconds since the epoch; null when there are none. */
    readonly oldestAt: number | null;
  }[];
}

export type Deliver = (event: Event, context: { attempt: number; signal: AbortSignal }) => Promise<EventAnswer>;

/**
 * Durable topics. After `publish` resolves, every group that subscribes now or later receives the event at least once, also after a
 * crash. A new group starts at the earliest stored event. Duplicates are possible, so a subscriber must be idempotent. When an event
 * fails for good, it is published on the topic of dead letters in the same step. See: [Note: A dead letter is the original event]
 */
export interface Events {
  /**
   * Publishes all events, or none when one of them is not a valid event. When the broker fails, some events may be stored; the caller
   * publishes all of them again.
   */
  publish(topic: string, events: readonly Event[], options?: CallOptions): Promise<void>;
  /**
   * Starts the delivery. The returned function stops it and resolves when no event is in flight. An error that `deliver` throws counts
   * as its event status. RangeError when the group is already subscribed to the topic in this process.
   */
  subscribe(subscription: Subscription, deliver: Deliver): Promise<() => Promise<void>>;
  state(options?: CallOptions): Promise<EventsState>;
  /** Aborts the attempts in flight. Their events are delivered again after the next start. */
  close(): Promise<void>;
}
