import { expect, it } from 'vitest';
import type { EventAnswer } from '../../ports/events.ts';
import { type Deferred, deferred } from '../../testing/deferred.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { newEvent } from '../../testing/record-factories.ts';
import { type DispatchItem, startDispatch } from './dispatch.ts';

// The contract of `Events` tests the rest, with a real store.

interface Item extends DispatchItem {
  readonly name: string;
}

const itemOf = (name: string, key: string | null = null): Item => ({ name, key, attempts: 0, waits: 0, dueAt: 0 });

/** `calls` records the calls of the subscriber and of the store. */
function setUp({
  answer,
  storeDeadLetter = async () => undefined,
}: {
  answer: (name: string) => EventAnswer | Promise<EventAnswer>;
  storeDeadLetter?: () => Promise<void>;
}) {
  const clock = fakeClock();
  const calls: string[] = [];
  const delivery = { retry: 1, backoff: 'linear', backoffDelayMs: 1000, timeoutMs: 60_000 } as const;
  const dispatch = startDispatch<Item>(
    { group: 'group', topic: 'topic', delivery, concurrency: 2 },
    async ({ id }) => {
      calls.push(`deliver ${id}`);
      return await answer(id);
    },
    {
      clock,
      random: () => 0,
      store: {
        eventOf: ({ name }) => newEvent({ id: name }),
        logFields: ({ name }) => ({ name }),
        tried: ({ name }) => void calls.push(`tried ${name}`),
        finished: ({ name }, outcome) => void calls.push(`${outcome} ${name}`),
        async storeDeadLetter({ name }) {
          calls.push(`store ${name}`);
          await storeDeadLetter();
        },
      },
    },
  );
  return { clock, calls, dispatch };
}

it('When a dead letter cannot be stored, then it is stored later, and the next event of its key waits', async () => {
  let failures = 2;
  const { clock, calls, dispatch } = setUp({
    answer: (name) => ({ status: name === 'a1' ? 422 : 200 }),
    storeDeadLetter: async () => {
      if (failures-- > 0) throw new Error('the broker is down');
    },
  });
  for (const item of [itemOf('a1', 'a'), itemOf('a2', 'a'), itemOf('b1', 'b')]) dispatch.add(item);

  await clock.advance(1500);
  const before = [...calls];
  await clock.advance(1000);

  expect(before).toEqual(['deliver a1', 'deliver b1', 'store a1', 'done b1', 'store a1']);
  expect(calls.slice(before.length)).toEqual(['store a1', 'dead a1', 'deliver a2', 'done a2']);
});

it('When the dispatch stops while a dead letter is being stored, then it waits for the letter', async () => {
  const storing = deferred();
  const { clock, calls, dispatch } = setUp({
    answer: () => ({ status: 422 }),
    storeDeadLetter: () => storing.promise,
  });
  dispatch.add(itemOf('a'));
  await clock.advance(0);
  let stopped = false;

  const stopping = dispatch.stop().then(() => {
    stopped = true;
  });
  await clock.advance(0);
  const early = stopped;
  storing.resolve();
  await stopping;

  expect(early).toBe(false);
  expect(calls).toEqual(['deliver a', 'store a', 'dead a']);
});

it('When events are dropped, then they are not delivered, and the reply of one in flight is ignored', async () => {
  const replies = new Map<string, Deferred<EventAnswer>>();
  const { clock, calls, dispatch } = setUp({
    answer: (name) => {
      const reply = deferred<EventAnswer>();
      replies.set(name, reply);
      return reply.promise;
    },
  });
  const items = [itemOf('a1', 'a'), itemOf('a2', 'a'), itemOf('b1', 'b'), itemOf('c1'), itemOf('c2')];
  for (const item of items) dispatch.add(item);
  await clock.advance(0);

  dispatch.drop(({ name }) => name !== 'c2');
  replies.get('a1')!.resolve({ status: 503 });
  replies.get('b1')!.resolve({ status: 200 });
  await clock.advance(10_000);
  replies.get('c2')!.resolve({ status: 200 });
  await clock.advance(0);

  expect(calls).toEqual(['deliver a1', 'deliver b1', 'deliver c2', 'done c2']);
  expect(dispatch.unfinished.size).toBe(0);
});

it('When the first event of a key is dropped while it waits for a retry, then the next event of the key is delivered', async () => {
  const { clock, calls, dispatch } = setUp({ answer: (name) => ({ status: name === 'a1' ? 503 : 200 }) });
  for (const item of [itemOf('a1', 'a'), itemOf('a2', 'a')]) dispatch.add(item);
  await clock.advance(500);

  dispatch.drop(({ name }) => name === 'a1');
  await clock.advance(10_000);

  expect(calls).toEqual(['deliver a1', 'tried a1', 'deliver a2', 'done a2']);
});

it('When a subscriber answers at once, then other work of the process runs between the events', async () => {
  const { calls, dispatch } = setUp({ answer: () => ({ status: 200 }) });
  const names = Array.from({ length: 10 }, (_, i) => `a${i}`);
  for (const name of names) dispatch.add(itemOf(name, 'a'));
  let turns = 0;

  while (dispatch.unfinished.size > 0) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }

  expect(calls.filter((call) => call.startsWith('done'))).toHaveLength(10);
  expect(turns).toBeGreaterThanOrEqual(10);
});
