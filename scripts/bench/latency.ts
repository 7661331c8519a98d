import { Agent, request } from 'node:http';
import type { EmbeddingPurpose, Extractor } from '../../shared/ports/extractor.ts';
import type { BareRuns } from './bare-runs.ts';
import { cpuOf, type Started } from './platform.ts';
import { median, type Row } from './rows.ts';
import { mean } from './statistics.ts';

/**
 * Measures the time from photo to response, one photo at a time, against the bare model runs of the same photo, which run directly before
 * and after it. Measures over HTTP for each endpoint, and with `extractor` in this process; the difference is the time of HTTP and the
 * stores. Each photo is sent once to each endpoint, so no response comes from a cache. The first `warmUp` photos do not count.
 *
 * [Note: Wall-clock time and CPU time]
 * Both are reported. On a shared machine, a request that passes through several threads waits for a core several times. The bare runs use
 * one thread and hardly wait. So on such a machine the wall-clock time exaggerates the overhead, and the CPU time shows it correctly.
 */
export async function measureLatency(
  { server, extractor, bare }: { server: Started; extractor: Extractor; bare: BareRuns },
  photos: readonly Uint8Array[],
  warmUp: number,
): Promise<Row[]> {
  const serverCpu = () => cpuOf(server.child.pid!) ?? Number.NaN;
  const ask = (
    name: string,
    purpose: EmbeddingPurpose,
    fields: (i: number) => Record<string, string> = () => ({}),
  ) => ({
    name: `${name}, over HTTP`,
    purpose,
    run: (photo: Uint8Array, i: number) => post(server, `/api/v1/faces/${name}`, photo, fields(i)),
    cpu: serverCpu,
  });
  const questions = [
    ask('enroll', 'template', (i) => ({ external_id: `bench-${i}` })),
    ask('search', 'probe'),
    ask('recognize', 'probe'),
    {
      name: 'extraction, in process',
      purpose: 'probe' as const,
      run: (photo: Uint8Array) => extractor.extract(photo),
      cpu: ownCpu,
    },
  ].map((question) => ({ ...question, answers: [] as Spent[], floors: [] as Spent[] }));
  for (const [i, photo] of photos.entries()) {
    const runs = { probe: await bare.record(photo, 'probe'), template: await bare.record(photo, 'template') };
    for (const { purpose, run, cpu, answers, floors } of questions) {
      const before = await spent(() => bare.replay(runs[purpose]), ownCpu);
      const answer = await spent(() => run(photo, i), cpu);
      const after = await spent(() => bare.replay(runs[purpose]), ownCpu);
      if (i >= warmUp) {
        answers.push(answer);
        floors.push({ wall: (before.wall + after.wall) / 2, cpu: (before.cpu + after.cpu) / 2 });
      }
    }
  }
  return questions.flatMap(({ name, answers, floors }) => [
    onTheClock(name, answers, floors),
    ...onTheCpu(name, answers, floors),
  ]);
}

/** Milliseconds. */
interface Spent {
  readonly wall: number;
  readonly cpu: number;
}

async function spent(run: () => Promise<unknown>, cpu: () => number): Promise<Spent> {
  const [wallBefore, cpuBefore] = [performance.now(), cpu()];
  await run();
  return { wall: performance.now() - wallBefore, cpu: cpu() - cpuBefore };
}

function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function onTheClock(name: string, answers: readonly Spent[], floors: readonly Spent[]): Row {
  return {
    section: 'latency',
    name,
    value: median(answers.map(({ wall }) => wall)),
    unit: 'ms',
    baseline: median(floors.map(({ wall }) => wall)),
    ratio: median(answers.map(({ wall }, i) => wall / floors[i]!.wall)),
    goal: { atMost: 1.15 },
    note: 'one at a time, against the bare model runs of the same photo',
  };
}

/** Uses means, because the CPU time of the server has a resolution of only 10 ms. */
function onTheCpu(name: string, answers: readonly Spent[], floors: readonly Spent[]): Row[] {
  const value = mean(answers.map(({ cpu }) => cpu));
  const baseline = mean(floors.map(({ cpu }) => cpu));
  if (Number.isNaN(value)) return [];
  return [{ section: 'latency', name: `${name}, CPU`, value, unit: 'ms', baseline, ratio: value / baseline }];
}

/** Sends a photo and resolves after the whole response. Throws for an error status, except 422 (a photo without a good face). */
export async function post(
  { url, headers }: Pick<Started, 'url' | 'headers'>,
  path: string,
  photo: Uint8Array,
  fields: Readonly<Record<string, string>>,
): Promise<void> {
  const { status, text } = await send(`${url}${path}?${new URLSearchParams(fields)}`, headers, photo);
  if (status >= 300 && status !== 422) throw new Error(`${path} responded with ${status}: ${text.slice(0, 500)}`);
}

const agent = new Agent({ keepAlive: true });

/** Uses node:http with the photo as the raw body: fetch and a form would take one more millisecond on the same cores. */
function send(
  url: string,
  credentials: Started['headers'],
  photo: Uint8Array,
): Promise<{ status: number; text: string }> {
  return new Promise((done, fail) => {
    const headers = { ...credentials, 'content-type': 'image/jpeg', 'content-length': photo.length };
    const sent = request(url, { agent, method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => done({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      response.on('error', fail);
    });
    sent.on('error', fail);
    sent.end(photo);
  });
}
