import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AppError } from '../errors.ts';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { newEvent } from '../testing/record-factories.ts';
import { deadLetterTopic, type Failure, readDeadLetter } from './dead-letter-event.ts';
import type { Deliver, Delivery, Event, EventAnswer, Events, Subscription } from './events.ts';

export interface EventsSubject {
  readonly events: Events;
  /** Closes the store and opens the same data again. */
  reopen(): Promise<Events>;
}

const delivery: Delivery = { retry: 3, backoff: 'exponential', backoffDelayMs: 1000, timeoutMs: 60_000 };

/**
 * Every promise of `Events`. The store uses the clock given to `open`; it may contain topics of other tests. `newClock`: a clock that gives
 * a broker in another process the time to work.
 */
export function eventsContract({
  name,
  open,
  newClock = fakeClock,
}: {
  name: string;
  open: (clock: FakeClock) => Promise<EventsSubject>;
  newClock?: () => FakeClock;
}) {
  const setUp = async () => {
    const clock = newClock();
    const subject = await open(clock);
    const topic = `test.${randomUUID()}`;
    const subscription = (fields: Partial<Subscription> = {}): Subscription => ({
      group: 'group',
      topic,
      delivery,
      concurrency: 4,
      ...fields,
    });
    return { clock, topic, subscription, ...subject };
  };
  /** The dead letters of a topic that were received so far, oldest first. */
  const lettersOf = async (events: Events, topic: string) => {
    const letters: (Failure & { event: Event })[] = [];
    const subscription = { group: randomUUID(), topic: deadLetterTopic, delivery, concurrency: 1 };
    await events.subscribe(subscription, async (letter) => {
      const { event, failure } = readDeadLetter(letter);
      if (failure.topic === topic) letters.push({ event, ...failure });
      return { status: 204 };
    });
    return letters;
  };

  describe(`${name}: delivery`, () => {
    it('When an event is published, then every group receives it once, unchanged, with attempt 1', async () => {
      const { events, clock, topic, subscription } = await setUp();
      const event = newEvent({ partitionkey: 'k', subject: 'face', traceparent: '00-ab-cd-01', tenant: 'default' });
      const seen: [string, string, number][] = [];
      for (const group of ['a', 'b']) {
        await events.subscribe(subscription({ group }), async (received, { attempt }) => {
          seen.push([group, JSON.stringify(received), attempt]);
          return { status: 204 };
        });
      }

      await events.publish(topic, [event]);
      await clock.until(() => seen.length === 2);
      await clock.advance(100_000);

      expect(seen.toSorted()).toEqual([
        ['a', JSON.stringify(event), 1],
        ['b', JSON.stringify(event), 1],
      ]);
    });

    it('When events wait, then the state reports how many and since when, until they are done or dead letters', async () => {
      const { events, clock, topic, subscription } = await setUp();
      const letters = await lettersOf(events, topic);
      const begun = clock.now();
      let answer: EventAnswer = { status: 503 };
      await events.subscribe(subscription({ delivery: { ...delivery, retry: 100 } }), async () => answer);
      const waiting = async () => (await events.state()).groups.find((each) => each.topic === topic);
      const idle = await waiting();

      await events.publish(topic, [newEvent()]);
      await clock.advance(500);
      await events.publish(topic, [newEvent()]);
      await clock.advance(100);
      const busy = await waiting();
      answer = { status: 422 };
      await clock.until(async () => letters.length === 2 && (await waiting())?.waiting === 0);

      expect(idle).toEqual({ topic, group: 'group', waiting: 0, oldestAt: null });
      expect(busy).toEqual({ topic, group: 'group', waiting: 2, oldestAt: begun });
      expect(await waiting()).toEqual(idle);
    });

    it('When a group subscribes late, then it starts at the earliest event of its topic', async () => {
      const { events, clock, topic, subscription } = await setUp();
      const published = [newEvent(), newEvent(), newEvent()];
      await events.publish(topic, published);
      await events.publish(`${topic}.other`, [newEvent()]);
      const seen: string[] = [];

      await events.subscribe(subscription({ concurrency: 1 }), collect(seen));
      await clock.until(() => seen.length === 3);
      await clock.advance(10_000);

      expect(seen).toEqual(idsOf(published));
    });

    it('When a subscription names types, then events of other types are skipped', async () => {
      const { events, clock, topic, subscription } = await setUp();
      const wanted = [newEvent({ type: 'b.v1' }), newEvent({ type: 'c.v1' })];
      await events.publish(topic, [newEvent({ type: 'a.v1' }), wanted[0]!, newEvent({ type: 'a.v1' }), wanted[1]!]);
      const seen: string[] = [];

      await events.subscribe(subscription({ types: ['b.v1', 'c.v1'], concurrency: 1 }), collect(seen));
      await clock.until(() => seen.length === 2);
      await clock.advance(10_000);

      expect(seen).toEqual(idsOf(wanted));
    });

    it('When one of several events is invalid or the signal is aborted, then no event is published', async () => {
      const { events, clock, topic, subscription } = await setUp();
      const seen: string[] = [];
      await events.subscribe(subscription(), collect(seen));

      await expect(events.publish(topic, [newEvent(), { id: 'x' } as Event])).rejects.toThrow();
      await expect(
        events.publish(topic, [newEvent()], { signal: AbortSignal.abort(new Error('gone')) }),
      ).rejects.toThrow('gone');
      await clock.advance(10_000);

      expect(seen).toEqual([]);
    });

    it('When a group is already subscribed to a topic, then a second subscription is a RangeError until the first is stopped', async () => {
      const { events, subscription } = await setUp();
      const stop = await events.subscribe(subscription(), collect([]));

      await expect(events.subscribe(subscription(), collect([]))).rejects.toThrow(RangeError);
      await stop();

      await expect(events.subscribe(subscription(), collect([]))).resolves.toBeTypeOf('function');
    });
  });

  describe(`${name}: order and concurrency`, () => {
    it('When events have keys, then those of one key keep their order and never overlap, and other keys run at the same time', async () => {
      const { events, clock, topic, subscription } = await setUp();
      const keys = ['a', 'b', 'c', 'd', 'e'];
      const published = Array.from({ length: 100 }, (_, i) => newEvent({ partitionkey: keys[i % keys.length]! }));
      const seen = new Map<string, string[]>(keys.map((key) => [key, []]));
      const running = new Map<string, number>();
      let most = 0;
      let done = 0;

      await events.subscribe(subscription({ concurrency: 3 }), async (event) => {
        const key = String(event.partitionkey);
        running.set(key, (running.get(key) ?? 0) + 1);
        expect(running.get(key)).toBe(1);
        most = Math.max(most, sum(running.values()));
        seen.get(key)!.push(event.id);
        await new Promise((resolve) => setImmediate(resolve));
        running.set(key, running.get(key)! - 1);
        done++;
        return { status: 200 };
      });
      await events.publish(topic, published.slice(0, 40));
      await events.publish(topic, published.slice(40));
      await clock.until(() => done === 100);

      expect(most).toBe(3);
      for (const key of keys) {
        expect(seen.get(key)).toEqual(idsOf(published.filter((event) => event.partitionkey === key)));
      }
    });

    it('When an event waits for a retry, then later events of its key wait too, and other keys continue', async () => {
      const { events, clock, topic, subscription } = await setUp();
      const [a1, a2, b1] = [
        newEvent({ partitionkey: 'a' }),
        newEvent({ partitionkey: 'a' }),
        newEvent({ partitionkey: 'b' }),
      ];
      const seen: string[] = [];
      let fail = true;
      await events.subscribe(subscription({ concurrency: 1 }), async ({ id }) => {
        seen.push(id);
        return { status: id === a1.id && fail ? 503 : 200 };
      });

      await events.publish(topic, [a1, a2, b1]);
      await settled(clock, () => seen.length === 2);
      fail = false;
      await clock.until(() => seen.length === 4);

      expect(seen).toEqual([a1.id, b1.id, a1.id, a2.id]);
    });
  });

  describe(`${name}: replies`, () => {
    it.each([200, 202, 204])('When a subscriber replies %i, then the event is done', async (status) => {
      const { seen, letters } = await answering(status);

      expect(seen).toBe(1);
      expect(letters).toEqual([]);
    });

    it.each([404, 408, 409, 429, 500, 502, 503, 504])(
      'When a subscriber replies %i, then the event is retried, and becomes a dead letter after the last attempt',
      async (status) => {
        const { seen, letters, event } = await answering(status, 'out of order');

        expect(seen).toBe(4);
        expect(letters).toMatchObject([{ group: 'group', status, reason: 'out of order', attempts: 4 }]);
        expect(JSON.stringify(letters[0]?.event)).toBe(JSON.stringify(event));
      },
    );

    it.each([300, 400, 401, 403, 405, 410, 415, 422])(
      'When a subscriber replies %i, then the event is a dead letter at once',
      async (status) => {
        const { seen, letters } = await answering(status, 'poison');

        expect(seen).toBe(1);
        expect(letters).toMatchObject([{ status, reason: 'poison', attempts: 1, at: expect.any(Number) }]);
      },
    );

    it('When a subscriber throws, then the event status of the error decides', async () => {
      const poison = await answeringWith(async () => {
        throw new AppError('PERSON_NOT_FOUND');
      });
      const passing = await answeringWith(async () => {
        throw new Error('no connection');
      });

      expect([poison.seen, poison.letters[0]?.status]).toEqual([1, 422]);
      expect([passing.seen, passing.letters[0]?.status]).toEqual([4, 503]);
    });

    it('When the subscriber did not try, then the event comes again after the given time, and the attempt does not count', async () => {
      const { events, clock, topic, subscription } = await setUp();
      const seen: { attempt: number; at: number }[] = [];
      await events.subscribe(subscription({ delivery: { ...delivery, retry: 0 } }), async (_, { attempt }) => {
        seen.push({ attempt, at: clock.now() });
        return seen.length < 4 ? { status: 503, notTriedMs: 5000 } : { status: 204 };
      });

      await events.publish(topic, [newEvent()]);
      await clock.until(() => seen.length === 4);

      expect(seen.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1]);
      for (const [i, { at }] of seen.slice(1).entries()) expect(at - seen[i]!.at).toBeGreaterThanOrEqual(5000);
    });

    it('When the event is not the cause of a failure, then it waits up to a minute, and the attempt does not count', async () => {
      const { events, clock, topic, subscription } = await setUp();
      const seen: { attempt: number; at: number }[] = [];
      await events.subscribe(subscription({ delivery: { ...delivery, retry: 0 } }), async (_, { attempt }) => {
        seen.push({ attempt, at: clock.now() });
        return seen.length < 10 ? { status: 503, blameless: true } : { status: 204 };
      });

      await events.publish(topic, [newEvent()]);
      await clock.until(() => seen.length === 10);

      expect(new Set(seen.map(({ attempt }) => attempt))).toEqual(new Set([1]));
      for (const [i, { at }] of seen.slice(1).entries()) {
        const pause = Math.min(60_000, delivery.backoffDelayMs * 2 ** i);
        expect(at - seen[i]!.at).toBeGreaterThanOrEqual(pause);
        expect(at - seen[i]!.at).toBeLessThanOrEqual(1.2 * pause + 100);
      }
    });

    it('When a subscriber does not reply in time, then its signal is aborted and the attempt counts as 504', async () => {
      const signals: AbortSignal[] = [];
      const { seen, letters } = await answeringWith((_, { signal }) => {
        signals.push(signal);
        return new Promise(() => undefined);
      });

      expect(seen).toBe(4);
      expect(signals.every((signal) => signal.aborted && signal.reason.name === 'TimeoutError')).toBe(true);
      expect(letters).toMatchObject([{ status: 504, attempts: 4 }]);
    });

    it.each([
      ['exponential', [1000, 2000, 4000]],
      ['linear', [1000, 1000, 1000]],
    ] as const)('When the back-off is %s, then the pauses follow it, plus at most 20 %%', async (backoff, pauses) => {
      const { events, clock, topic, subscription } = await setUp();
      const at: number[] = [];
      await events.subscribe(subscription({ delivery: { ...delivery, backoff } }), async () => {
        at.push(clock.now());
        return { status: 503 };
      });

      await events.publish(topic, [newEvent()]);
      for (let step = 0; step < 100 && at.length < 4; step++) await clock.advance(100);

      pauses.forEach((pause, i) => {
        const seen = at[i + 1]! - at[i]!;
        expect(seen).toBeGreaterThanOrEqual(pause);
        // The steps of this test add up to 100 ms.
        expect(seen).toBeLessThanOrEqual(1.2 * pause + 100);
      });
    });

    it('When several events fail for good, then their dead letters are published, oldest first, each with the unchanged event', async () => {
      const { events, clock, topic, subscription } = await setUp();
      const published = [newEvent(), newEvent({ partitionkey: 'k' }), newEvent()];
      const letters = await lettersOf(events, topic);
      await events.subscribe(subscription({ concurrency: 1 }), async () => ({ status: 422 }));
      await events.publish(topic, published);

      await clock.until(() => letters.length === 3);

      expect(letters.map(({ event }) => JSON.stringify(event))).toEqual(published.map((each) => JSON.stringify(each)));
    });

    it('When a dead letter cannot be stored, then it is delivered until it can', async () => {
      const { events, clock, topic, subscription } = await setUp();
      let refusals = 0;
      let kept = 0;
      await events.subscribe(subscription({ topic: deadLetterTopic, group: topic }), async (letter) => {
        if (readDeadLetter(letter).failure.topic !== topic) return { status: 204 };
        if (refusals < 10) {
          refusals++;
          return { status: refusals % 2 === 0 ? 503 : 422 };
        }
        kept++;
        return { status: 204 };
      });
      await events.subscribe(subscription(), async () => ({ status: 422 }));

      await events.publish(topic, [newEvent()]);
      await clock.until(() => kept === 1);
      await clock.advance(1_000_000);

      expect([refusals, kept]).toEqual([10, 1]);
    });

    const answering = (status: number, reason?: string) => answeringWith(async () => ({ status, reason }));

    const answeringWith = async (deliver: Deliver) => {
      const { events, clock, topic, subscription } = await setUp();
      const event = newEvent();
      const next = newEvent();
      const letters = await lettersOf(events, topic);
      let seen = 0;
      await events.subscribe(subscription({ concurrency: 1 }), async (received, context) => {
        if (received.id === next.id) return { status: 200 };
        seen++;
        expect(context.attempt).toBe(seen);
        return await deliver(received, context);
      });
      await events.publish(topic, [event, next]);
      const finished = async () => (await events.state()).groups.find((each) => each.topic === topic)?.waiting === 0;
      await clock.until(async () => seen > 0 && (await finished()));
      for (let step = 0; step < 40; step++) await clock.advance(10_000);
      return { seen, event, letters };
    };
  });

  describe(`${name}: life cycle`, () => {
    it('When the store is reopened, then only events that were not done are delivered again', async () => {
      const { events, clock, topic, subscription, reopen } = await setUp();
      const published = Array.from({ length: 6 }, () => newEvent());
      const seen: string[] = [];
      await events.publish(topic, published);
      const stop = await events.subscribe(subscription({ concurrency: 6 }), async ({ id }) => {
        seen.push(id);
        // The second event is retried long after the restart. The third one is a dead letter at once.
        return { status: id === published[1]!.id ? 503 : id === published[2]!.id ? 422 : 200 };
      });
      await settled(clock, () => seen.length === 6);
      await stop();
      const again = await reopen();
      const afterwards: [string, number][] = [];

      await again.subscribe(subscription(), async ({ id }, { attempt }) => {
        afterwards.push([id, attempt]);
        return { status: 200 };
      });
      await clock.until(() => afterwards.length > 0);
      await clock.advance(100_000);

      expect(afterwards).toEqual([[published[1]!.id, 2]]);
      const letters = await lettersOf(again, topic);
      await clock.until(() => letters.length > 0);
      expect(letters.map(({ event }) => event.id)).toEqual([published[2]!.id]);
    });

    it('When no group subscribed before the store was reopened, then the events are still delivered', async () => {
      const { events, clock, topic, subscription, reopen } = await setUp();
      const published = Array.from({ length: 3 }, () => newEvent());
      await events.publish(topic, published);

      const again = await reopen();
      const seen: string[] = [];
      await again.subscribe(subscription({ concurrency: 1 }), collect(seen));
      await clock.until(() => seen.length === 3);

      expect(seen).toEqual(idsOf(published));
    });

    it('When a subscription is stopped, then it waits for the events in flight and starts no other', async () => {
      const { events, clock, topic, subscription } = await setUp();
      const seen: string[] = [];
      let answer: (answer: EventAnswer) => void = () => undefined;
      const stop = await events.subscribe(subscription({ concurrency: 1 }), ({ id }) => {
        seen.push(id);
        return new Promise((resolve) => {
          answer = resolve;
        });
      });
      const published = [newEvent(), newEvent()];
      await events.publish(topic, published);
      await settled(clock, () => seen.length === 1);
      let stopped = false;

      const stopping = stop().then(() => {
        stopped = true;
      });
      await settled(clock, () => false, 50);
      const early = stopped;
      answer({ status: 200 });
      await stopping;
      const rest: string[] = [];
      await events.subscribe(subscription(), collect(rest));
      await clock.until(() => rest.length === 1);

      expect(early).toBe(false);
      expect(seen).toEqual([published[0]!.id]);
      expect(rest).toEqual([published[1]!.id]);
    });

    it('When the store is closed, then attempts in flight are aborted, do not count, and are repeated', async () => {
      const { events, clock, topic, subscription, reopen } = await setUp();
      const signals: AbortSignal[] = [];
      await events.subscribe(subscription(), (_, { signal }) => {
        signals.push(signal);
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve({ status: 503 })));
      });
      await events.publish(topic, [newEvent()]);
      await settled(clock, () => signals.length === 1);

      const again = await reopen();
      const attempts: number[] = [];
      await again.subscribe(subscription(), async (_, { attempt }) => {
        attempts.push(attempt);
        return { status: 200 };
      });
      await clock.until(() => attempts.length > 0);

      expect(signals[0]?.aborted).toBe(true);
      expect(attempts).toEqual([1]);
      await expect(events.publish(topic, [newEvent()])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    });
  });
}

const collect =
  (seen: string[]): Deliver =>
  async ({ id }) => {
    seen.push(id);
    return { status: 200 };
  };

const idsOf = (events: readonly Event[]) => events.map(({ id }) => id);

const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, number) => total + number, 0);

/** Waits until `condition` is true, or for at most `turns` turns. The time does not advance. */
async function settled(clock: FakeClock, condition: () => boolean, turns = 2000): Promise<void> {
  for (let turn = 0; turn < turns && !condition(); turn++) await clock.turn();
}
