import { writeSync } from 'node:fs';
import { openEvents } from '../adapters/distributed/events.ts';
import { readConfig } from '../config.ts';
import { systemClock } from '../ports/clock.ts';
import { createLogger } from '../telemetry/log.ts';

export interface ReadingOptions {
  /** Prefix of the names of the topic and of the groups. */
  readonly prefix: string;
  readonly groups: readonly string[];
}

/** Reads the Kafka topic `topic` with each group until the test kills it; prints each group and event id. Argument: options as JSON. */
const { prefix, groups } = JSON.parse(process.argv[2]!) as ReadingOptions;
const { engines } = readConfig({ ...process.env, FREEFACE_MODE: 'distributed' });
const events = await openEvents({ engines, clock: systemClock, log: createLogger('silent'), prefix });
const delivery = { retry: 3, backoff: 'linear', backoffDelayMs: 50, timeoutMs: 60_000 } as const;
for (const group of groups)
  await events.subscribe({ group, topic: 'topic', delivery, concurrency: 8 }, async ({ id }) => {
    writeSync(1, `${group} ${id}\n`);
    return { status: 200 };
  });
