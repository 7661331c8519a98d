import { writeSync } from 'node:fs';
import { openEvents } from '../adapters/distributed/events.ts';
import { readConfig } from '../config.ts';
import { systemClock } from '../ports/clock.ts';
import { createLogger } from '../runtime/log.ts';

/** Reads the topic `topic` of Kafka with the groups named, behind a prefix, until somebody kills it; says each group and event. */
const [prefix, ...groups] = process.argv.slice(2);
const { engines } = readConfig({ ...process.env, FREEFACE_MODE: 'distributed' });
const events = await openEvents({ engines, clock: systemClock, log: createLogger('silent'), prefix: prefix! });
const delivery = { retry: 3, backoff: 'linear', backoffDelayMs: 50, timeoutMs: 60_000 } as const;
for (const group of groups)
  await events.subscribe({ group, topic: 'topic', delivery, concurrency: 8 }, async ({ id }) => {
    writeSync(1, `${group} ${id}\n`);
    return { status: 200 };
  });
