import { toAppError } from '../../errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { deadLetterTopic, type Failure } from '../../ports/dead-letter-event.ts';
import type { Deliver, Event, EventAnswer, Subscription } from '../../ports/events.ts';
import type { StoreLog } from '../store-log.ts';
import { backoffMs, verdictOf, waitMs } from './answers.ts';
import { createQueue, type Queue, type QueueItem } from './queue.ts';
import { createTimers, type Timers } from './timers.ts';

/** Pause before a dead letter is stored again after an error. */
const storeAgainMs = 1000;

/** An event to deliver. */
export interface DispatchItem extends QueueItem {
  /** Failed attempts. */
  attempts: number;
  /** Attempts that failed through no fault of the event. */
  waits: number;
}

/** Why this process gives up an event. */
export type GivenUp = { readonly [Field in keyof Failure]: NonNullable<Failure[Field]> };

/** The broker's side of the delivery: it reads events, and it keeps progress and dead letters. */
export interface DispatchStore<Item> {
  /** An error counts as an error of the subscriber. */
  eventOf(item: Item): Event;
  /** An attempt failed; `attempts` and `dueAt` are new. */
  tried(item: Item): void;
  /** The event is done, or given up and stored as a dead letter. */
  finished(item: Item, outcome: 'done' | 'dead'): void;
  /**
   * Stores an event that is given up. A rejected promise is retried. undefined: `finished`, which follows at once, stores the
   * dead letter and the progress together.
   */
  storeDeadLetter(item: Item, failure: GivenUp): Promise<void> | undefined;
  /** Fields that identify the event in the log. */
  logFields(item: Item): object;
  /** Adds more events; called before events are started. */
  refill?(): void;
}

export interface DispatchOptions<Item> {
  readonly clock: Clock;
  /** 0..1, for the jitter of retries. */
  readonly random: () => number;
  readonly log?: StoreLog | undefined;
  readonly store: DispatchStore<Item>;
  /** Events of different turns start one after another. By default, all events have the same turn. */
  readonly turnOf?: (item: Item) => string;
}

export interface Dispatch<Item> {
  /** Events that are neither done nor dead, in the order of `add`. */
  readonly unfinished: ReadonlySet<Item>;
  add(item: Item): void;
  /** Refills, and starts events that are ready, in the next turn of the event loop. */
  wake(): void;
  /** Removes the matching events. Their `tried` and `finished` are not called any more, also for events in flight. */
  drop(matches: (item: Item) => boolean): void;
  /** Starts no more events; resolves when no event is in flight. */
  stop(): Promise<void>;
  /** Aborts the events in flight and ignores their replies. */
  abandon(reason: Error): void;
}

/** Delivers events to one subscriber, in order of their keys. See: [Note: Order by key] */
export function startDispatch<Item extends DispatchItem>(
  subscription: Subscription,
  deliver: Deliver,
  options: DispatchOptions<Item>,
): Dispatch<Item> {
  const { clock, store } = options;
  const timers = createTimers(clock);
  const queue = createQueue<Item>({ clock, timers, whenReady: wake, turnOf: options.turnOf ?? (() => '') });
  const inFlight = new Map<Item, AbortController>();
  const answerOf = createAttempt(subscription, deliver, options);
  const settle = createSettle(subscription, options, { queue, timers, finish });
  let pumping = false;
  let stopped = false;
  let abandoned = false;
  let whenIdle: () => void = () => undefined;

  /** `setImmediate`, so that a subscriber that answers at once cannot block other work of the process. */
  function wake(): void {
    if (pumping || stopped) return;
    pumping = true;
    setImmediate(() => {
      pumping = false;
      if (!stopped) pump();
    });
  }

  function pump(): void {
    store.refill?.();
    while (!stopped && inFlight.size < subscription.concurrency) {
      const item = queue.takeReady();
      if (item === undefined) return;
      void attempt(item);
    }
  }

  async function attempt(item: Item): Promise<void> {
    const controller = new AbortController();
    inFlight.set(item, controller);
    const answer = await answerOf(item, controller);
    // Awaited only if it is a promise, because each await costs a turn of the microtask queue.
    const storing = abandoned ? undefined : settle(item, answer);
    if (storing !== undefined) await storing;
    inFlight.delete(item);
    wake();
    if (inFlight.size === 0) whenIdle();
  }

  function finish(item: Item, outcome: 'done' | 'dead'): void {
    if (!abandoned && queue.remove(item)) store.finished(item, outcome);
  }

  return {
    unfinished: queue.unfinished,
    add: queue.add,
    wake,
    drop: (matches) => queue.drop(matches, (item) => inFlight.has(item)),
    async stop() {
      stopped = true;
      timers.close();
      if (inFlight.size === 0) return;
      await new Promise<void>((resolve) => {
        whenIdle = resolve;
      });
    },
    abandon(reason) {
      stopped = true;
      abandoned = true;
      timers.close();
      for (const controller of inFlight.values()) controller.abort(reason);
      whenIdle();
    },
  };
}

/** Returns a function that delivers an event and resolves to the subscriber's answer, 504 on a time-out, or the status of its error. */
function createAttempt<Item extends DispatchItem>(
  { delivery: { timeoutMs } }: Subscription,
  deliver: Deliver,
  { clock, store }: DispatchOptions<Item>,
): (item: Item, controller: AbortController) => Promise<EventAnswer> {
  return async (item, controller) => {
    let cancel: () => void = () => undefined;
    const late = new Promise<EventAnswer>((resolve) => {
      cancel = clock.after(timeoutMs, () => {
        const reason = `no answer within ${timeoutMs} ms`;
        controller.abort(new DOMException(reason, 'TimeoutError'));
        resolve({ status: 504, reason });
      });
    });
    try {
      const context = { attempt: item.attempts + 1, signal: controller.signal };
      return await Promise.race([deliver(store.eventOf(item), context), late]);
    } catch (error) {
      const { eventStatus, message } = toAppError(error);
      return { status: eventStatus, reason: message };
    } finally {
      cancel();
    }
  };
}

/**
 * Returns a function that applies the subscriber's answer: it finishes the event, plans the next attempt, or gives the event up. The
 * function returns a promise only while a dead letter is being stored.
 */
function createSettle<Item extends DispatchItem>(
  { topic, group, delivery }: Subscription,
  { clock, random, log, store }: DispatchOptions<Item>,
  {
    queue,
    timers,
    finish,
  }: { queue: Queue<Item>; timers: Timers; finish: (item: Item, outcome: 'done' | 'dead') => void },
): (item: Item, answer: EventAnswer) => Promise<void> | undefined {
  const settle = (item: Item, answer: EventAnswer): Promise<void> | undefined => {
    const verdict = verdictOf(answer.status);
    if (verdict === 'done') return void finish(item, 'done');
    const wait = waitMs(answer, delivery, item.waits, random);
    if (wait !== null) {
      if (answer.blameless === true) item.waits++;
      return void tryAgain(item, wait);
    }
    item.attempts++;
    if (topic !== deadLetterTopic && (verdict === 'dead' || item.attempts > delivery.retry))
      return giveUp(item, answer);
    return void tryAgain(item, backoffMs(delivery, item.attempts, random), (failed) => store.tried(failed));
  };

  const tryAgain = (item: Item, pauseMs: number, save?: (item: Item) => void): void => {
    item.dueAt = clock.now() + pauseMs;
    if (queue.unfinished.has(item)) {
      save?.(item);
      queue.readyWhenDue(item);
    } else queue.remove(item);
  };

  const giveUp = (item: Item, { status, reason = `answered ${status}` }: EventAnswer): Promise<void> | undefined => {
    const { attempts } = item;
    log?.warn({ topic, group, ...store.logFields(item), status, attempts }, 'event becomes a dead letter');
    return storeDeadLetter(item, { topic, group, status, reason, attempts, at: clock.now() });
  };

  /** The event stays the first of its key until its dead letter is stored. */
  const storeDeadLetter = (item: Item, failure: GivenUp): Promise<void> | undefined => {
    const storing = store.storeDeadLetter(item, failure);
    if (storing === undefined) return void finish(item, 'dead');
    return storing.then(
      () => finish(item, 'dead'),
      (error: unknown) => {
        log?.error({ topic, group, err: error }, 'a dead letter could not be stored; trying again');
        timers.after(storeAgainMs, () => void storeDeadLetter(item, failure));
      },
    );
  };

  return settle;
}
