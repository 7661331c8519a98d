import { toAppError } from '../../errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { deadLetterTopic } from '../../ports/dead-letter-event.ts';
import type { Deliver, EventAnswer, Subscription } from '../../ports/events.ts';
import { backoffMs, verdictOf, waitMs } from '../delivery/answers.ts';
import type { StoreLog } from '../store-log.ts';
import type { DeliveryState, EventStore, Heading, NewDeadLetter, Progress } from './event-store.ts';
import { createFairQueue } from './fair-queue.ts';

/** Events known to a group at once, without their bodies; a key that fails and fails can hold back no more than these. */
const windowSize = 50_000;
const loadSize = 500;
/** Progress may be lost in a crash (events repeat); it is written this often. */
const progressMs = 100;

export interface GroupOptions {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log?: StoreLog | undefined;
  /** Makes progress durable. */
  readonly save: (progress: Progress) => Promise<void>;
}

export interface Group {
  /** New events may be there. */
  wake(): void;
  /** Writes down what is not yet durable. */
  flush(): Promise<void>;
  /** Starts nothing more and resolves when nothing is in flight and all progress is durable. */
  stop(): Promise<void>;
  /** Aborts what is in flight and forgets it; what is not done comes again after the next start. */
  abandon(reason: Error): Promise<void>;
}

interface Item extends Heading {
  /** Failed so far. */
  attempts: number;
  /** Times that it was tried and was not to blame. */
  waits: number;
  /** Milliseconds since the epoch. */
  dueAt: number;
}

/**
 * Delivers a topic to one subscriber.
 *
 * [Note: Order by key]
 * Events of one key stand in a line and only the first is ever started; it leaves the line when it is done or dead. So a
 * retry holds up its own key and nobody else, and takes no place among those in flight while it waits.
 *
 * [Note: Tenants take turns]
 * Events that can be started wait in one line for each tenant, and the tenants take turns. So a tenant with thousands of events delays
 * an event of another tenant by one event. The tenant is the part of the key before the first slash; events without a key share a turn.
 *
 * [Note: Position and exceptions]
 * The position is the last event before which all are done. Events done out of turn, and failed attempts, are kept one by
 * one until the position has passed them.
 */
export function startGroup(subscription: Subscription, deliver: Deliver, options: GroupOptions): Group {
  const { topic, group, types, delivery, concurrency } = subscription;
  const { store, clock, random, log, save } = options;
  const wanted = types === undefined ? undefined : new Set(types);

  let cursor = store.joinGroup(topic, group);
  const before = new Map(store.states(topic, group).map((state) => [state.sequence, state]));
  /** Unfinished events in order. */
  const unfinished = new Map<number, Item>();
  const lines = new Map<string, Item[]>();
  const ready = createFairQueue<Item>();
  const inFlight = new Set<AbortController>();
  const timers = new Set<() => void>();
  let states: DeliveryState[] = [];
  let deadLetters: NewDeadLetter[] = [];
  let unsaved = false;
  let more = true;
  let pumping = false;
  let stopped = false;
  let abandoned = false;
  let whenIdle: (() => void) | undefined;

  const load = (): void => {
    if (!more || unfinished.size >= windowSize) return;
    const headings = store.headingsAfter(topic, cursor, loadSize);
    more = headings.length === loadSize;
    for (const heading of headings) admit(heading);
    if (headings.length > 0) saveLater();
    // The rest in the next turn.
    if (more) schedulePump();
  };

  const admit = (heading: Heading): void => {
    cursor = heading.sequence;
    const state = before.get(heading.sequence);
    before.delete(heading.sequence);
    if (state?.dueAt === null || (wanted !== undefined && !wanted.has(heading.type))) return;
    const item = { ...heading, attempts: state?.attempts ?? 0, waits: 0, dueAt: state?.dueAt ?? 0 };
    unfinished.set(item.sequence, item);
    const line = item.key === null ? undefined : lines.get(item.key);
    if (line !== undefined) {
      line.push(item);
      return;
    }
    if (item.key !== null) lines.set(item.key, [item]);
    startWhenDue(item);
  };

  const startWhenDue = (item: Item): void => {
    const wait = item.dueAt - clock.now();
    const start = () => {
      ready.push(turnOf(item), item);
      schedulePump();
    };
    if (wait > 0) later(wait, start);
    else start();
  };

  const later = (milliseconds: number, run: () => void): void => {
    const cancel = clock.after(milliseconds, () => {
      timers.delete(cancel);
      run();
    });
    timers.add(cancel);
  };

  /** In a turn of its own, so that a subscriber which answers at once cannot keep everything else waiting. */
  const schedulePump = (): void => {
    if (pumping || stopped) return;
    pumping = true;
    setImmediate(() => {
      pumping = false;
      if (!stopped) pump();
    });
  };

  const pump = (): void => {
    try {
      load();
    } catch (error) {
      log?.error({ topic, group, err: error }, 'events could not be read; trying again');
      more = true;
      later(1000, schedulePump);
    }
    while (inFlight.size < concurrency) {
      const item = ready.shift();
      if (item === undefined) break;
      void attempt(item);
    }
  };

  const attempt = async (item: Item): Promise<void> => {
    const controller = new AbortController();
    inFlight.add(controller);
    const answer = await answered(item, controller);
    inFlight.delete(controller);
    if (abandoned) return;
    settle(item, answer);
    schedulePump();
    if (inFlight.size === 0) whenIdle?.();
  };

  /** The subscriber's answer, 504 when it takes too long, or what its error means. */
  const answered = async (item: Item, controller: AbortController): Promise<EventAnswer> => {
    const { signal } = controller;
    let cancel: () => void = () => undefined;
    const late = new Promise<EventAnswer>((resolve) => {
      cancel = clock.after(delivery.timeoutMs, () => {
        controller.abort(new DOMException(`no answer within ${delivery.timeoutMs} ms`, 'TimeoutError'));
        resolve({ status: 504, reason: `no answer within ${delivery.timeoutMs} ms` });
      });
    });
    try {
      const event = store.read(item.sequence);
      return await Promise.race([deliver(event, { attempt: item.attempts + 1, signal }), late]);
    } catch (error) {
      const { eventStatus, message } = toAppError(error);
      return { status: eventStatus, reason: message };
    } finally {
      cancel();
    }
  };

  const settle = (item: Item, answer: EventAnswer): void => {
    const { status, reason } = answer;
    const verdict = verdictOf(status);
    if (verdict === 'done') {
      finish(item);
      saveLater();
      return;
    }
    const wait = waitMs(answer, delivery, item.waits, random);
    if (wait !== null) {
      if (answer.blameless === true) item.waits++;
      item.dueAt = clock.now() + wait;
      startWhenDue(item);
      return;
    }
    item.attempts++;
    if (topic === deadLetterTopic || (verdict === 'retry' && item.attempts <= delivery.retry)) {
      item.dueAt = clock.now() + backoffMs(delivery, item.attempts, random);
      states.push({ sequence: item.sequence, attempts: item.attempts, dueAt: item.dueAt });
      startWhenDue(item);
    } else {
      const { sequence, attempts } = item;
      deadLetters.push({ sequence, status, reason: reason ?? `answered ${status}`, attempts, at: clock.now() });
      log?.warn({ topic, group, sequence, status, attempts }, 'event goes to the dead letters');
      finish(item);
    }
    saveNow();
  };

  const finish = (item: Item): void => {
    unfinished.delete(item.sequence);
    states.push({ sequence: item.sequence, attempts: item.attempts, dueAt: null });
    if (item.key === null) return;
    const line = lines.get(item.key)!;
    line.shift();
    if (line.length === 0) lines.delete(item.key);
    else startWhenDue(line[0]!);
  };

  const saveLater = (): void => {
    if (unsaved) return;
    unsaved = true;
    later(progressMs, () => {
      if (unsaved) saveNow();
    });
  };

  const saveNow = (): void => {
    flush().catch((error: unknown) => {
      log?.error({ topic, group, err: error }, 'progress could not be saved; trying again');
      if (!stopped) saveLater();
    });
  };

  const flush = async (): Promise<void> => {
    unsaved = false;
    const first = unfinished.keys().next();
    const progress: Progress = { position: first.done === true ? cursor : first.value - 1, states, deadLetters };
    states = [];
    deadLetters = [];
    try {
      await save(progress);
    } catch (error) {
      states = [...progress.states, ...states];
      deadLetters = [...progress.deadLetters, ...deadLetters];
      throw error;
    }
  };

  const end = (): void => {
    stopped = true;
    for (const cancel of timers) cancel();
    timers.clear();
  };

  load();
  return {
    wake() {
      more = true;
      schedulePump();
    },
    flush,
    async stop() {
      end();
      if (inFlight.size > 0) {
        await new Promise<void>((resolve) => {
          whenIdle = resolve;
        });
      }
      end();
      await flush();
    },
    async abandon(reason) {
      end();
      abandoned = true;
      for (const controller of inFlight) controller.abort(reason);
      whenIdle?.();
      await flush();
    },
  };
}

const turnOf = ({ key }: Heading): string => key?.split('/', 1)[0] ?? '';
