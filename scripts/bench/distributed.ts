import { prepareTopics } from '../../shared/adapters/distributed/kafka/topics.ts';
import { readConfig } from '../../shared/config.ts';
import type { EngineName } from '../../shared/engine-settings.ts';
import { createLogger } from '../../shared/telemetry/log.ts';
import { prepareEngines } from '../../shared/testing/own-engines.ts';
import { post } from './latency.ts';
import type { Started } from './platform.ts';
import { median, type Row } from './rows.ts';

const engines: readonly EngineName[] = ['scylla', 'milvus', 's3', 'kafka', 'dragonfly'];
/** What distributed mode may cost more than embedded mode, in milliseconds. */
const goal = { atMost: 25 };

interface Sides {
  /** Starts the platform with these settings beside the usual ones. */
  readonly start: (environment: Readonly<Record<string, string>>) => Promise<Started>;
  readonly photos: readonly Uint8Array[];
  /** Photos that do not count. */
  readonly warmUp: number;
}

/**
 * What an enrolment and a recognition cost more on the engines than embedded: each photo is sent to both platforms, one after the
 * other, and the differences are compared. The engines are those of the environment; topics are the broker's own, so it should be
 * one that nobody else uses. No rows where they are not set.
 */
export async function measureDistributed({ start, photos, warmUp }: Sides): Promise<Row[]> {
  const missing = readConfig({ ...process.env, FREEFACE_MODE: 'distributed' }).engines.missing(engines);
  if (missing.length > 0) {
    process.stderr.write(`distributed is left out: ${missing.join(', ')} not set\n`);
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
    await own.dispose().catch((error: unknown) => process.stderr.write(`not everything could be removed: ${error}\n`));
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
