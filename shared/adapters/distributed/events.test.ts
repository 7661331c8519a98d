import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { topics as catalogueTopics } from '../../events/catalogue.ts';
import { systemClock } from '../../ports/clock.ts';
import { deadLetterTopic } from '../../ports/dead-letter-event.ts';
import { eventsContract } from '../../ports/events.contract.ts';
import type { Events, Subscription } from '../../ports/events.ts';
import { createLogger } from '../../telemetry/log.ts';
import { bundleChild } from '../../testing/child-bundle.ts';
import { describeEngine } from '../../testing/engine.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { portProxy } from '../../testing/port-proxy.ts';
import type { ReadingOptions } from '../../testing/reading-child.ts';
import { newEvent } from '../../testing/record-factories.ts';
import { type EventsOptions, openEvents } from './events.ts';
import { prepareTopics, topicSpecs } from './kafka/topics.ts';

it('When the topics of the catalogue are listed, then each has partitions and a retention time', () => {
  expect(topicSpecs.map(({ name }) => name).toSorted()).toEqual([...catalogueTopics].toSorted());
});

describeEngine('kafka', 'distributed events', (settings) => {
  const log = createLogger('silent');
  const run = `test-${randomUUID()}.`;
  let admin: Admin;
  beforeAll(async () => {
    admin = new Kafka({ brokers: [...settings.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
  });
  afterAll(async () => {
    const topics = (await admin.listTopics()).filter((name) => name.startsWith(run));
    if (topics.length > 0) await admin.deleteTopics({ topics });
    const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId).filter((id) => id.startsWith(run));
    if (groups.length > 0) await admin.deleteGroups(groups).catch(() => undefined);
    await admin.disconnect();
  });

  const makeTopic = async (name: string, partitions = 1) => {
    // The clock of a test may be far in the past, so Kafka must not delete its events by age. The test deletes the topics.
    await prepareTopics(settings, log, { topics: [{ name, partitions, retentionMs: -1 }], replicas: 1 });
  };
  /** Opens a broker with its own prefix for topics and groups. */
  const open = async (options: Partial<EventsOptions> & { prefix: string }): Promise<Events> => {
    const events = await openEvents({
      engines: { kafka: settings },
      log,
      clock: systemClock,
      joinMs: 30_000,
      ...options,
    });
    onTestFinished(() => events.close());
    return events;
  };
  const withTopics = (events: Events, prefix: string): Events => {
    const made = new Map<string, Promise<void>>();
    const ensure = (topic: string) => {
      const making = made.get(topic) ?? makeTopic(prefix + topic);
      made.set(topic, making);
      return making;
    };
    return {
      ...events,
      async publish(topic, ...rest) {
        await ensure(topic);
        await events.publish(topic, ...rest);
      },
      async subscribe(subscription, deliver) {
        await ensure(deadLetterTopic);
        await ensure(subscription.topic);
        return await events.subscribe(subscription, deliver);
      },
    };
  };
  const newPrefix = () => `${run}${randomUUID()}.`;

  eventsContract({
    name: 'contract',
    // 2 ms for each step: a broker needs this time.
    newClock: () => fakeClock(undefined, () => new Promise((resolve) => setTimeout(resolve, 2))),
    open: async (clock) => {
      const prefix = newPrefix();
      const events = await open({ prefix, clock });
      return {
        events: withTopics(events, prefix),
        reopen: async () => {
          await events.close();
          return withTopics(await open({ prefix, clock }), prefix);
        },
      };
    },
  });

  const subscription = (fields: Partial<Subscription> = {}): Subscription => ({
    group: 'group',
    topic: 'topic',
    delivery: { retry: 3, backoff: 'linear', backoffDelayMs: 50, timeoutMs: 60_000 },
    concurrency: 8,
    ...fields,
  });

  it('When events with many keys go to several partitions, then each key keeps its order, and a failing key does not delay others', async () => {
    const prefix = newPrefix();
    await makeTopic(`${prefix}topic`, 4);
    const events = await open({ prefix });
    const keys = Array.from({ length: 20 }, (_, i) => `key-${i}`);
    const published = Array.from({ length: 400 }, (_, i) => newEvent({ partitionkey: keys[i % keys.length]! }));
    const seen = new Map<string, string[]>(keys.map((key) => [key, []]));
    const failing = new Set(published.filter((_, i) => i % 37 === 0).map(({ id }) => id));
    let done = 0;
    await events.subscribe(subscription(), async ({ id, partitionkey }) => {
      if (failing.delete(id)) return { status: 503 };
      seen.get(String(partitionkey))!.push(id);
      done++;
      return { status: 200 };
    });

    for (let from = 0; from < 400; from += 50) await events.publish('topic', published.slice(from, from + 50));
    await expect.poll(() => done, { timeout: 30_000 }).toBe(400);

    for (const key of keys) {
      expect(seen.get(key)).toEqual(published.filter((each) => each.partitionkey === key).map(({ id }) => id));
    }
    await expect.poll(async () => (await events.state()).groups[0]?.waiting).toBe(0);
  });

  it('When several members read as one group, then one of them handles each event, also after one leaves', async () => {
    const prefix = newPrefix();
    await makeTopic(`${prefix}topic`, 6);
    const [first, second] = [await open({ prefix }), await open({ prefix })];
    const published = Array.from({ length: 300 }, (_, i) => newEvent({ partitionkey: `key-${i % 50}` }));
    const done = new Map<string, number>();
    const by = { first: 0, second: 0 };
    const count =
      (reader: keyof typeof by) =>
      async ({ id }: { id: string }) => {
        done.set(id, (done.get(id) ?? 0) + 1);
        by[reader]++;
        return { status: 200 };
      };
    const stop = await first.subscribe(subscription(), count('first'));
    await second.subscribe(subscription(), count('second'));

    await second.publish('topic', published.slice(0, 150));
    await expect.poll(() => done.size, { timeout: 30_000 }).toBe(150);
    await stop();
    await second.publish('topic', published.slice(150));
    await expect.poll(() => done.size, { timeout: 30_000 }).toBe(300);

    expect(by.second).toBeGreaterThan(0);
    // A partition that moves may repeat events, but no event was pending when it moved.
    expect([...done.values()].filter((times) => times > 1)).toEqual([]);
  });

  it('When a message is not a CloudEvent, then it is delivered in the form of Knative', async () => {
    const prefix = newPrefix();
    await makeTopic(`${prefix}topic`);
    const events = await open({ prefix });
    const producer = new Kafka({ brokers: [...settings.brokers], logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    const seen: [string, string, unknown][] = [];
    await events.subscribe(subscription({ types: ['dev.knative.kafka.event'] }), async ({ type, id, data }) => {
      seen.push([type, id, Buffer.from(data as Uint8Array).toString()]);
      return { status: 200 };
    });

    await producer.send({ topic: `${prefix}topic`, messages: [{ key: 'bucket/ä', value: '{"Records":[]}' }] });
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(1);

    expect(seen).toEqual([['dev.knative.kafka.event', 'partition:0/offset:0', '{"Records":[]}']]);
  });

  it('When a topic is missing, then publishing says what to do, and reading starts once the topic exists', async () => {
    const prefix = newPrefix();
    const events = await open({ prefix, joinMs: 0 });
    const seen: string[] = [];
    await events.subscribe(subscription(), async ({ id }) => {
      seen.push(id);
      return { status: 200 };
    });

    await expect(events.publish('topic', [newEvent()])).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/no topic .*npm run migrate/),
    });
    await makeTopic(`${prefix}topic`);
    await events.publish('topic', [newEvent()]);

    await expect.poll(() => seen.length, { timeout: 30_000 }).toBe(1);
  });

  it('When the broker is down for a while, then publishing fails in time, and published events arrive in order', async () => {
    const prefix = newPrefix();
    await makeTopic(`${prefix}topic`);
    const [host, port] = settings.brokers[0]!.split(':');
    // Brokers report their own addresses, so only the first connection goes through the proxy.
    const proxy = await portProxy({ host: host!, port: Number(port) });
    await proxy.down();
    const events = await open({
      prefix,
      joinMs: 0,
      engines: { kafka: { ...settings, brokers: [`127.0.0.1:${proxy.port}`] } },
    });
    const seen: string[] = [];
    await events.subscribe(subscription(), async ({ id }) => {
      seen.push(id);
      return { status: 200 };
    });
    const begun = performance.now();

    await expect(events.publish('topic', [newEvent()])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const took = performance.now() - begun;
    await proxy.up();
    const published = [newEvent(), newEvent(), newEvent()];
    for (const event of published) await events.publish('topic', [event]);
    await expect.poll(() => seen.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(3);

    expect(took).toBeLessThan(9000);
    expect(seen).toEqual(published.map(({ id }) => id));
  });

  it('When a reader and its waiting successor are killed, then the next reader gets events within 20 s', async () => {
    const prefix = newPrefix();
    await makeTopic(`${prefix}topic`);
    const bundle = await bundleChild('reading-child');
    onTestFinished(bundle.dispose);
    const publisher = await open({ prefix });
    // Kafka picks a waiting member at random to assign the partitions. So the test uses several groups.
    const groups = Array.from({ length: 6 }, (_, i) => `group-${i}`);
    const read: string[] = [];
    const options: ReadingOptions = { prefix, groups };
    const start = () => {
      const child = spawn(process.execPath, [bundle.file, JSON.stringify(options)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      createInterface({ input: child.stdout }).on('line', (line) => read.push(line));
      return child;
    };
    /** Resolves when every group has read the event. */
    const isRead = async ({ id }: { id: string }) => {
      const missing = () => groups.filter((group) => !read.includes(`${group} ${id}`));
      await expect.poll(missing, { timeout: 50_000 }).toEqual([]);
    };
    const membersOfEach = async () => {
      const described = await admin.describeGroups(groups.map((group) => prefix + group));
      return new Set(described.groups.map(({ members }) => members.length));
    };
    const [before, after] = [newEvent(), newEvent()];

    const first = start();
    await publisher.publish('topic', [before]);
    await isRead(before);
    first.kill('SIGKILL');
    const second = start();
    await expect.poll(membersOfEach, { timeout: 5000 }).toEqual(new Set([2]));
    second.kill('SIGKILL');
    await publisher.publish('topic', [after]);
    const begun = performance.now();
    start();
    await isRead(after);

    expect(performance.now() - begun).toBeLessThan(20_000);
  });

  it('When no broker is reachable, then subscribing, stopping and closing still end in time', async () => {
    const kafka = { ...settings, brokers: ['127.0.0.1:9'] };
    const events = await open({ prefix: newPrefix(), joinMs: 0, engines: { kafka } });
    const begun = performance.now();
    const stop = await events.subscribe(subscription(), async () => ({ status: 200 }));
    await events.subscribe(subscription({ group: 'other' }), async () => ({ status: 200 }));

    await stop();
    await events.close();

    expect(performance.now() - begun).toBeLessThan(2000);
  });

  it('When publishing is aborted, then it rejects with the reason', async () => {
    const prefix = newPrefix();
    await makeTopic(`${prefix}topic`);
    const events = await open({ prefix });
    const controller = new AbortController();

    const publishing = events.publish('topic', [newEvent()], { signal: controller.signal });
    controller.abort(new Error('gone'));

    await expect(publishing).rejects.toThrow('gone');
  });
});
