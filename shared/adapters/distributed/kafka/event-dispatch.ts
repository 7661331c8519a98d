import { toAppError } from '../../../errors.ts';
import type { Clock } from '../../../ports/clock.ts';
import { deadLetterTopic, type Failure } from '../../../ports/dead-letter-event.ts';
import type { Deliver, Event, EventAnswer, Subscription } from '../../../ports/events.ts';
import { backoffMs, verdictOf, waitMs } from '../../delivery/answers.ts';
import type { StoreLog } from '../../store-log.ts';

/** An event to be delivered. */
export interface DispatchItem {
  readonly event: Event;
  /** Events of one key keep their order; null: stands alone. */
  readonly key: string | null;
  /** Failed so far. */
  attempts: number;
  /** Times that it was tried and was not to blame. */
  waits: number;
  /** Milliseconds since the epoch. */
  dueAt: number;
  /** An attempt failed, and `attempts` and `dueAt` are new. */
  tried(): void;
  /** Done, or given up and kept as a dead letter. */
  finished(): void;
}

export interface Dispatch {
  add(item: DispatchItem): void;
  /** Forgets what is not in flight and meets the condition; what is in flight ends without a word. */
  drop(isOut: (item: DispatchItem) => boolean): void;
  /** Starts nothing more; resolves when nothing is in flight. */
  stop(): Promise<void>;
  /** Aborts what is in flight and forgets it. */
  abandon(reason: Error): void;
}

export interface DispatchOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: StoreLog;
  /** Keeps an event that is given up. */
  readonly bury: (event: Event, failure: Failure) => Promise<void>;
}

/** Pause before a dead letter is tried to be kept again. */
const buryAgainMs = 1000;

/** Delivers events to one subscriber by the rules of the embedded broker. See: [Note: Order by key] */
export function startDispatch(subscription: Subscription, deliver: Deliver, options: DispatchOptions): Dispatch {
  const { topic, group, delivery, concurrency } = subscription;
  const { clock, random, log, bury } = options;
  /** Everything that is not finished. */
  const known = new Set<DispatchItem>();
  const lines = new Map<string, DispatchItem[]>();
  const ready: DispatchItem[] = [];
  const inFlight = new Map<DispatchItem, AbortController>();
  const dropped = new WeakSet<DispatchItem>();
  const timers = new Set<() => void>();
  let pumping = false;
  let stopped = false;
  let abandoned = false;
  let whenIdle: () => void = () => undefined;

  const add = (item: DispatchItem): void => {
    known.add(item);
    const line = item.key === null ? undefined : lines.get(item.key);
    if (line !== undefined) {
      line.push(item);
      return;
    }
    if (item.key !== null) lines.set(item.key, [item]);
    startWhenDue(item);
  };

  const startWhenDue = (item: DispatchItem): void => {
    const wait = item.dueAt - clock.now();
    const start = () => {
      if (dropped.has(item)) return;
      ready.push(item);
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
      while (!stopped && inFlight.size < concurrency && ready.length > 0) {
        const item = ready.shift()!;
        if (!dropped.has(item)) void attempt(item);
      }
    });
  };

  const attempt = async (item: DispatchItem): Promise<void> => {
    const controller = new AbortController();
    inFlight.set(item, controller);
    const answer = await answered(item, controller);
    if (!abandoned) await settle(item, answer);
    inFlight.delete(item);
    schedulePump();
    if (inFlight.size === 0) whenIdle();
  };

  /** The subscriber's answer, 504 when it takes too long, or what its error means. */
  const answered = async (item: DispatchItem, controller: AbortController): Promise<EventAnswer> => {
    let cancel: () => void = () => undefined;
    const late = new Promise<EventAnswer>((resolve) => {
      cancel = clock.after(delivery.timeoutMs, () => {
        const reason = `no answer within ${delivery.timeoutMs} ms`;
        controller.abort(new DOMException(reason, 'TimeoutError'));
        resolve({ status: 504, reason });
      });
    });
    try {
      const context = { attempt: item.attempts + 1, signal: controller.signal };
      return await Promise.race([deliver(item.event, context), late]);
    } catch (error) {
      const { eventStatus, message } = toAppError(error);
      return { status: eventStatus, reason: message };
    } finally {
      cancel();
    }
  };

  const settle = async (item: DispatchItem, answer: EventAnswer): Promise<void> => {
    const { status, reason } = answer;
    const verdict = verdictOf(status);
    if (verdict === 'done') {
      finish(item);
      return;
    }
    const wait = waitMs(answer, delivery, item.waits, random);
    if (wait !== null) {
      if (answer.blameless === true) item.waits++;
      item.dueAt = clock.now() + wait;
      if (dropped.has(item)) leaveLine(item);
      else startWhenDue(item);
      return;
    }
    item.attempts++;
    if (topic === deadLetterTopic || (verdict === 'retry' && item.attempts <= delivery.retry)) {
      item.dueAt = clock.now() + backoffMs(delivery, item.attempts, random);
      if (dropped.has(item)) leaveLine(item);
      else {
        item.tried();
        startWhenDue(item);
      }
      return;
    }
    log.warn({ topic, group, event: item.event.id, status, attempts: item.attempts }, 'event goes to the dead letters');
    const failure = {
      topic,
      group,
      status,
      reason: reason ?? `answered ${status}`,
      attempts: item.attempts,
      at: clock.now(),
    };
    await giveUp(item, failure);
  };

  /** An event stays at the head of its line until its letter is kept. */
  const giveUp = async (item: DispatchItem, failure: Failure): Promise<void> => {
    try {
      await bury(item.event, failure);
      if (!abandoned) finish(item);
    } catch (error) {
      log.error({ topic, group, err: error }, 'a dead letter could not be kept; trying again');
      if (!stopped) later(buryAgainMs, () => void giveUp(item, failure));
    }
  };

  const finish = (item: DispatchItem): void => {
    if (!dropped.has(item)) item.finished();
    leaveLine(item);
  };

  const leaveLine = (item: DispatchItem): void => {
    known.delete(item);
    if (item.key === null) return;
    const line = lines.get(item.key);
    if (line?.[0] !== item) return;
    line.shift();
    if (line.length === 0) lines.delete(item.key);
    else startWhenDue(line[0]!);
  };

  const end = (): void => {
    stopped = true;
    for (const cancel of timers) cancel();
    timers.clear();
  };

  return {
    add,
    drop(isOut) {
      for (const item of known) {
        if (!isOut(item)) continue;
        dropped.add(item);
        if (!inFlight.has(item)) known.delete(item);
      }
      for (const [key, line] of lines) {
        const head = line[0];
        const left = line.filter((item) => !dropped.has(item) || inFlight.has(item));
        if (left.length === 0) lines.delete(key);
        else lines.set(key, left);
        if (left[0] !== undefined && left[0] !== head) startWhenDue(left[0]);
      }
    },
    async stop() {
      end();
      if (inFlight.size > 0) {
        await new Promise<void>((resolve) => {
          whenIdle = resolve;
        });
      }
      end();
    },
    abandon(reason) {
      end();
      abandoned = true;
      for (const controller of inFlight.values()) controller.abort(reason);
      whenIdle();
    },
  };
}
