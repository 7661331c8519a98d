import type { Clock } from '../../ports/clock.ts';
import type { Deliver, Subscription } from '../../ports/events.ts';
import { type Dispatch, type DispatchItem, startDispatch } from '../delivery/dispatch.ts';
import { createSaver } from '../delivery/saver.ts';
import { createTimers, type Timers } from '../delivery/timers.ts';
import type { StoreLog } from '../store-log.ts';
import type { DeliveryState, EventStore, Heading, NewDeadLetter, Progress } from './event-store.ts';

/** Most events that a group keeps in memory, without their bodies. A key that always fails delays at most these. */
const windowSize = 50_000;
const loadSize = 500;
/** Pause before events are read again after an error. */
const loadAgainMs = 1000;

export interface GroupOptions {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log?: StoreLog | undefined;
  /** Makes progress durable. */
  readonly save: (progress: Progress) => Promise<void>;
}

export interface Group {
  /** Reads new events, if there are any. */
  wake(): void;
  /** Saves the progress that is not durable yet. */
  flush(): Promise<void>;
  /** Starts no more events; resolves when no event is in flight and all progress is durable. */
  stop(): Promise<void>;
  /** Aborts the events in flight and ignores their replies. After the next start, unfinished events are delivered again. */
  abandon(reason: Error): Promise<void>;
}

interface Item extends DispatchItem {
  readonly sequence: number;
}

/**
 * Delivers a topic to one subscriber.
 *
 * [Note: Position and exceptions]
 * All events up to the position are done. Events after it that are done, and failed attempts, are stored one by one until the
 * position has passed them.
 *
 * [Note: Tenants take turns]
 * Events that can start wait in one list for each tenant, and the tenants take turns. So a tenant with thousands of events delays an
 * event of another tenant by one event. The tenant is the part of the key before the first slash; events without a key share a turn.
 */
export function startGroup(subscription: Subscription, deliver: Deliver, options: GroupOptions): Group {
  const { topic, group } = subscription;
  const { store, clock, random, log, save } = options;
  const timers = createTimers(clock);
  const exceptions = collectExceptions(save);
  const saver = createSaver(
    timers,
    () => exceptions.save(position()),
    (error) => log?.error({ topic, group, err: error }, 'progress could not be saved; trying again'),
  );
  const dispatch = startDispatch<Item>(subscription, deliver, {
    clock,
    random,
    log,
    turnOf: ({ key }) => key?.split('/', 1)[0] ?? '',
    store: {
      eventOf: ({ sequence }) => store.read(sequence),
      logFields: ({ sequence }) => ({ sequence }),
      refill: () => loader.refill(),
      tried({ sequence, attempts, dueAt }) {
        exceptions.add({ sequence, attempts, dueAt });
        saver.now();
      },
      storeDeadLetter({ sequence }, failure) {
        exceptions.addDeadLetter({ sequence, failure });
        return undefined;
      },
      finished({ sequence, attempts }, outcome) {
        exceptions.add({ sequence, attempts, dueAt: null });
        if (outcome === 'dead') saver.now();
        else saver.later();
      },
    },
  });
  const loader = createLoader(subscription, options, { dispatch, timers, loaded: saver.later });
  const position = (): number => {
    const first = dispatch.unfinished.values().next();
    return first.done === true ? loader.cursor : first.value.sequence - 1;
  };
  loader.load();

  return {
    wake: loader.wake,
    flush: saver.flush,
    async stop() {
      timers.close();
      await dispatch.stop();
      await saver.flush();
    },
    async abandon(reason) {
      timers.close();
      dispatch.abandon(reason);
      await saver.flush();
    },
  };
}

/** Progress since the last save. */
function collectExceptions(save: GroupOptions['save']) {
  let states: DeliveryState[] = [];
  let deadLetters: NewDeadLetter[] = [];
  return {
    add: (state: DeliveryState): void => void states.push(state),
    addDeadLetter: (letter: NewDeadLetter): void => void deadLetters.push(letter),
    async save(position: number): Promise<void> {
      const progress: Progress = { position, states, deadLetters };
      states = [];
      deadLetters = [];
      try {
        await save(progress);
      } catch (error) {
        states = [...progress.states, ...states];
        deadLetters = [...progress.deadLetters, ...deadLetters];
        throw error;
      }
    },
  };
}

/** Reads the events after the group's position in order, `loadSize` in one turn of the event loop, up to `windowSize` unfinished ones. */
function createLoader(
  { topic, group, types }: Subscription,
  { store, log }: GroupOptions,
  { dispatch, timers, loaded }: { dispatch: Dispatch<Item>; timers: Timers; loaded: () => void },
) {
  const wanted = types === undefined ? undefined : new Set(types);
  let cursor = store.joinGroup(topic, group);
  const before = new Map(store.states(topic, group).map((state) => [state.sequence, state]));
  let more = true;

  const refill = (): void => {
    try {
      load();
    } catch (error) {
      log?.error({ topic, group, err: error }, 'events could not be read; trying again');
      more = true;
      timers.after(loadAgainMs, dispatch.wake);
    }
  };

  const load = (): void => {
    if (!more || dispatch.unfinished.size >= windowSize) return;
    const headings = store.headingsAfter(topic, cursor, loadSize);
    more = headings.length === loadSize;
    for (const heading of headings) add(heading);
    if (headings.length > 0) loaded();
    // The rest in the next turn.
    if (more) dispatch.wake();
  };

  const add = ({ sequence, type, key }: Heading): void => {
    cursor = sequence;
    const state = before.get(sequence);
    before.delete(sequence);
    if (state?.dueAt === null || (wanted !== undefined && !wanted.has(type))) return;
    dispatch.add({ sequence, key, attempts: state?.attempts ?? 0, waits: 0, dueAt: state?.dueAt ?? 0 });
  };

  return {
    /** Sequence of the last event that was read. */
    get cursor() {
      return cursor;
    },
    load,
    /** Like `load`; an error is logged and the read is repeated. */
    refill,
    /** Reads new events, if there are any. */
    wake(): void {
      more = true;
      dispatch.wake();
    },
  };
}
