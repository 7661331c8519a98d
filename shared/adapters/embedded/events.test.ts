import { join } from 'node:path';
import Libsql from 'libsql';
import { expect, it, onTestFinished } from 'vitest';
import { eventsContract } from '../../ports/events.contract.ts';
import type { Subscription } from '../../ports/events.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { newEvent } from '../../testing/record-factories.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openEvents } from './events.ts';

eventsContract({
  name: 'embedded events',
  open: async (clock) => {
    const dataDir = temporaryFolder();
    let events = await openEvents({ dataDir, clock });
    onTestFinished(() => events.close());
    return {
      events,
      reopen: async () => {
        await events.close();
        events = await openEvents({ dataDir, clock });
        return events;
      },
    };
  },
});

const day = 24 * 60 * 60 * 1000;
const subscription: Subscription = {
  group: 'group',
  topic: 'topic',
  delivery: { retry: 3, backoff: 'linear', backoffDelayMs: 1000, timeoutMs: 60_000 },
  concurrency: 1,
};

async function setUp() {
  const clock = fakeClock();
  const dataDir = temporaryFolder();
  const events = await openEvents({ dataDir, clock, retentionMs: 7 * day });
  onTestFinished(() => events.close());
  const kept = () => {
    const database = new Libsql(join(dataDir, 'events.db'));
    const row = database.prepare('SELECT count(*) AS count FROM events').get([]) as { count: number };
    database.close();
    return row.count;
  };
  return { clock, dataDir, events, kept };
}

it('When events are old, then they are deleted only after every group has finished them', async () => {
  const { clock, events, kept } = await setUp();
  let slowAnswers = 503;
  let fast = 0;
  await events.subscribe({ ...subscription, group: 'fast' }, async () => {
    fast++;
    return { status: 200 };
  });
  const endless = { ...subscription.delivery, retry: 1_000_000, backoffDelayMs: day };
  const published = Array.from({ length: 2500 }, () => newEvent());
  await events.subscribe({ ...subscription, group: 'slow', delivery: endless }, async ({ id }) => ({
    status: id === published[0]!.id ? slowAnswers : 200,
  }));
  await events.publish('topic', published);
  await clock.until(() => fast === 2500);

  await clock.advance(8 * day);
  const whileSlow = kept();
  slowAnswers = 200;
  await clock.advance(3 * day);
  await clock.until(() => kept() === 0);

  expect(whileSlow).toBe(2500);
});

it('When events are young, then they stay for future groups', async () => {
  const { clock, events, kept } = await setUp();
  let seen = 0;
  await events.subscribe(subscription, async () => {
    seen++;
    return { status: 200 };
  });
  await events.publish('topic', [newEvent(), newEvent()]);
  await clock.until(() => seen === 2);

  await clock.advance(6 * day);

  expect(kept()).toBe(2);
});

it('When a topic has no group, then its events are deleted by age', async () => {
  const { clock, events, kept } = await setUp();
  await events.publish('nobody', [newEvent()]);

  await clock.advance(8 * day);

  expect(kept()).toBe(0);
});

it('When the data folder is in use, then a second opening fails', async () => {
  const { clock, dataDir } = await setUp();

  await expect(openEvents({ dataDir, clock })).rejects.toThrow('Another process uses this data folder');
});

it('When thousands of events come at once, then they are delivered quickly and the event loop is not blocked', async () => {
  const { events, clock } = await setUp();
  const count = 5000;
  let done = 0;
  let longest = 0;
  let last = performance.now();
  const watch = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (done < count) setImmediate(watch);
  };
  await events.subscribe({ ...subscription, concurrency: 16 }, async () => {
    done++;
    return { status: 204 };
  });
  const started = performance.now();

  setImmediate(watch);
  const published = Array.from({ length: count }, (_, i) => newEvent({ partitionkey: `key-${i % 100}` }));
  for (let from = 0; from < count; from += 100) await events.publish('topic', published.slice(from, from + 100));
  while (done < count) await new Promise((resolve) => setImmediate(resolve));
  const seconds = (performance.now() - started) / 1000;

  // Far below the real rate (see the bench), so that the test passes on a busy machine.
  expect(count / seconds).toBeGreaterThan(500);
  expect(longest).toBeLessThan(1000);
  await clock.advance(0);
});
