import { prepareTopics } from '../../shared/adapters/distributed/kafka/topics.ts';
import { readConfig } from '../../shared/config.ts';
import type { EngineName } from '../../shared/engine-settings.ts';
import { createLogger } from '../../shared/telemetry/log.ts';
import { prepareEngines } from '../../shared/testing/own-engines.ts';
import { post } from './latency.ts';
import type { Started } from './platform.ts';
import { median, type Row } from './rows.ts';

const engines: readonly EngineName[] = ['scylla', 'milvus', 's3', 'kafka', 'dragonfly'];
/** Largest allowed difference between distributed and embedded mode, in milliseconds. */
const goal = { atMost: 25 };

interface Sides {
  /** Starts the platform with these settings in addition to the usual ones. */
  readonly start: (environment: Readonly<Record<string, string>>) => Promise<Started>;
  readonly photos: readonly Uint8Array[];
  /** Number of first photos that do not count. */
  readonly warmUp: number;
}

/**
 * Measures how much longer an enrolment and a recognition take on the engines than in embedded mode. Sends each photo to both platforms,
 * one after the other, and reports the median of the differences. The environment names the engines. The topics have their usual names, so
 * no other installation should use the broker. Returns no rows when the engines are not set.
 */
export async function measureDistributed({ start, photos, warmUp }: Sides): Promise<Row[]> {
  const missing = readConfig({ ...process.env, FREEFACE_MODE: 'distributed' }).engines.missing(engines);
  if (missing.length > 0) {
    process.stderr.write(`distributed is skipped: ${missing.join(', ')} not set\n`);
    return [];
  }
  const own = await prepareEngines();
  const { kafka } = readConfig({ ...process.env, ...own.environment }).engines;
  await prepareTopics(kafka, createLogger('silent'), { replicas: 1 });
  const started: Started[] = [];
  try {
    for (const environment of [{ FREEFACE_MODE: 'embedded' }, own.environment]) started.push(await start(environment));
    const [embedded, distributed] = started as [Started, Started];
    const rows: Row[] = [];
    for (const name of ['enroll', 'recognize'] as const) {
      const spent: { embedded: number; distributed: number }[] = [];
      for (const [i, photo] of photos.entries()) {
        const fields = name === 'enroll' ? { external_id: `bench-${i}` } : {};
        const ask = async (server: Started) => {
          const begun = performance.now();
          await post(server, `/api/v1/faces/${name}`, photo, fields);
          return performance.now() - begun;
        };
        const pair = { embedded: await ask(embedded), distributed: await ask(distributed) };
        if (i >= warmUp) spent.push(pair);
      }
      rows.push(rowOf(name, spent));
    }
    return rows;
  } finally {
    for (const each of started) await each.stop();
    await own
      .dispose()
      .catch((error: unknown) => process.stderr.write(`some test data could not be removed: ${error}\n`));
  }
}

function rowOf(name: string, spent: readonly { embedded: number; distributed: number }[]): Row {
  const [embedded, distributed] = [
    median(spent.map((each) => each.embedded)),
    median(spent.map((each) => each.distributed)),
  ];
  return {
    section: 'distributed',
    name: `${name}, more than embedded`,
    value: median(spent.map((each) => each.distributed - each.embedded)),
    unit: 'ms',
    goal,
    note: `${embedded.toFixed(1)} ms embedded, ${distributed.toFixed(1)} ms on the engines, ${spent.length} photos`,
  };
}
