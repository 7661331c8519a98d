import type { CloudEventV1 } from 'cloudevents';
import type { CallOptions } from './tenant.ts';

export type Event = CloudEventV1<unknown>;

/** How a subscriber answered, as an HTTP status. 2xx done; 404, 408, 409, 429 and 5xx = try again; anything else = dead letter at once. */
export interface EventAnswer {
  readonly status: number;
  readonly reason?: string | undefined;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter?: number | undefined;
  /** Nothing was tried, since something it needs is known to be down: try again after so many milliseconds, and count no attempt. */
  readonly notTriedMs?: number | undefined;
  /**
   * What failed says nothing against the event: something it needs is down or has no room. Try again, with pauses that grow up to a
   * minute, and count no attempt.
   */
  readonly blameless?: boolean | undefined;
}

export interface Delivery {
  /** Attempts after the first. */
  readonly retry: number;
  readonly backoff: 'exponential' | 'linear';
  /** Pause before the first retry; doubles (exponential) or stays (linear), with up to 20 % of jitter. */
  readonly backoffDelayMs: number;
  /** One attempt may take this long; then its signal is aborted and it counts as 504, whatever the subscriber still does. */
  readonly timeoutMs: number;
}

export interface Subscription {
  /** Fixed name; the position in the topic is kept under it. */
  readonly group: string;
  readonly topic: string;
  /** Only these event types; others are passed over. All when absent. */
  readonly types?: readonly string[] | undefined;
  readonly delivery: Delivery;
  /** Events in flight at once; events with the same `partitionkey` never overlap and keep their order. */
  readonly concurrency: number;
}

export interface EventsState {
  /** Groups that read here, and what they have not finished. */
  readonly groups: readonly {
    readonly topic: string;
    readonly group: string;
    readonly waiting: number;
    /** When the oldest of these was published, in milliseconds since the epoch; null when there is none. */
    readonly oldestAt: number | null;
  }[];
}

export type Deliver = (event: Event, context: { attempt: number; signal: AbortSignal }) => Promise<EventAnswer>;

/**
 * Durable topics. A resolved publish is delivered at least once to every group that subscribes, now or later (a new group
 * starts at the earliest event kept), across crashes; duplicates are possible, so consumers are idempotent. What is given up is
 * published on the topic of dead letters as part of giving it up. See: [Note: Dead letters travel as themselves]
 */
export interface Events {
  /**
   * All or none when one of them is no event. When the broker fails some may be kept, and the caller publishes all of them again.
   * Topic by the event's catalogue entry unless given.
   */
  publish(topic: string, events: readonly Event[], options?: CallOptions): Promise<void>;
  /**
   * Starts delivering; the returned function stops it and resolves when nothing is in flight. What a subscriber throws counts
   * by its event status. RangeError when the group already reads the topic here.
   */
  subscribe(subscription: Subscription, deliver: Deliver): Promise<() => Promise<void>>;
  state(options?: CallOptions): Promise<EventsState>;
  /** Aborts what is in flight; those events come again after the next start. */
  close(): Promise<void>;
}
