import { availableParallelism } from 'node:os';
import type { BareRuns } from './bare-runs.ts';
import { post } from './latency.ts';
import type { Started } from './platform.ts';
import { median, type Row } from './rows.ts';

/** Measures photos a second with all cores busy, against the rate of the bare model runs on all cores. */
export async function measureThroughput(
  server: Pick<Started, 'url' | 'headers'>,
  photos: readonly Uint8Array[],
  bare: BareRuns,
): Promise<Row[]> {
  const cores = availableParallelism();
  const floor = async () => {
    const times: number[] = [];
    for (const photo of photos.slice(0, 8)) times.push(await bare.replay(await bare.record(photo)));
    return median(times);
  };
  const before = await floor();
  const rate = async (endpoint: string): Promise<number> => {
    const began = performance.now();
    let next = 0;
    const worker = async () => {
      for (let photo = photos[next++]; photo; photo = photos[next++])
        await post(server, `/api/v1/faces/${endpoint}`, photo, {});
    };
    await Promise.all(Array.from({ length: cores * 4 }, worker));
    return photos.length / ((performance.now() - began) / 1000);
  };
  const detected = await rate('detect');
  const recognized = await rate('recognize');
  const ideal = (cores * 1000) / ((before + (await floor())) / 2);
  const row = (name: string, value: number): Row => ({
    section: 'throughput',
    name,
    value,
    unit: 'photos/s',
    baseline: ideal,
    ratio: value / ideal,
    note: `${cores} cores, ${cores * 4} requests at once; against bare detection, alignment and embedding on all cores`,
  });
  return [
    row('recognize', recognized),
    { ...row('detect', detected), baseline: undefined, ratio: undefined, note: undefined },
  ];
}
