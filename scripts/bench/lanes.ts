import { priorities } from '../../shared/domain/priority.ts';
import type { BareRuns } from './bare-runs.ts';
import type { Started } from './platform.ts';
import { median, type Row } from './rows.ts';

type Server = Pick<Started, 'url' | 'headers'>;

/** Number of jobs that wait in the lowest lane while a critical job is measured. */
const crowd = 5000;

/**
 * Measures asynchronous enrolment: the time of a job on an idle platform, against the bare model runs of its photo; the time of a
 * critical job behind thousands of low jobs; the rate of the low jobs meanwhile; and the time to accept a job while every lane is busy.
 * The time of a job is the platform's own: from `created_at` to `finished_at`. A job finishes after a search can find its face.
 */
export async function measureLanes(
  server: Server,
  photos: readonly Uint8Array[],
  bare: BareRuns,
  { quick }: { quick: boolean },
): Promise<Row[]> {
  const urgent = quick ? 8 : 20;
  const accepts = quick ? 100 : 300;
  let next = 0;
  const photo = () => photos[next++ % photos.length]!;
  for (let i = 0; i < 3; i++) await finished(server, (await accept(server, photo(), 'critical')).id);

  const idle: number[] = [];
  const ratios: number[] = [];
  const floors: number[] = [];
  for (let i = 0; i < urgent; i++) {
    const image = photo();
    const runs = await bare.record(image, 'template');
    const before = await bare.replay(runs);
    const took = await finished(server, (await accept(server, image, 'critical')).id);
    const floor = (before + (await bare.replay(runs))) / 2;
    idle.push(took);
    floors.push(floor);
    ratios.push(took / floor);
  }

  const imageIds = await imagesOf(server);
  for (let i = 0; i < crowd / 1000; i++) await batch(server, imageIds, 'low', 1000);
  const lowBefore = await waiting(server, 'low');
  const begun = performance.now();
  const crowded: number[] = [];
  for (let i = 0; i < urgent; i++) crowded.push(await finished(server, (await accept(server, photo(), 'critical')).id));
  const lowDone = lowBefore - (await waiting(server, 'low'));
  const seconds = (performance.now() - begun) / 1000;

  for (const priority of priorities) if (priority !== 'low') await batch(server, imageIds, priority, 1000);
  // Waits until the batches are in the lanes: publishing them would disturb the measurement.
  while ((await outboxPending(server)) > 0) await new Promise((done) => setTimeout(done, 50));
  const acceptMs: number[] = [];
  for (let i = 0; i < accepts; i++) acceptMs.push((await accept(server, photo(), priorities[i % 4]!)).ms);
  const stillBusy = (await waiting(server, 'critical')) > 0;

  return [
    {
      section: 'lanes',
      name: 'accepted to searchable, idle',
      value: median(idle),
      unit: 'ms',
      baseline: median(floors),
      ratio: median(ratios),
      goal: { atMost: 1.3 },
      note: 'critical, one at a time, against the bare model runs of the same photo',
    },
    {
      section: 'lanes',
      name: `critical behind ${crowd} low`,
      value: median(crowded),
      unit: 'ms',
      baseline: median(idle),
      ratio: median(crowded) / median(idle),
      goal: { atMost: 2 },
      note: 'against the same on an idle platform',
    },
    {
      section: 'lanes',
      name: 'low meanwhile',
      value: lowDone / seconds,
      unit: 'jobs/s',
      goal: { atLeast: 0.1 },
      note: `${lowDone} jobs`,
    },
    {
      section: 'lanes',
      name: 'enroll_async accepted, p99',
      value: quantile(acceptMs, 0.99),
      unit: 'ms',
      goal: { atMost: 100 },
      note: `median ${median(acceptMs).toFixed(0)} ms of ${accepts}, one at a time; every lane busy${stillBusy ? '' : ' at the start, but not at the end'}`,
    },
  ];
}

async function accept(server: Server, photo: Uint8Array, priority: string): Promise<{ id: string; ms: number }> {
  const begun = performance.now();
  const data = await call(server, 'POST', `/api/v1/faces/enroll_async?priority=${priority}`, photo, 'image/jpeg');
  return { id: String(data.job_id), ms: performance.now() - begun };
}

/** Milliseconds from a job's acceptance to its end, by the platform's clock. Polls every 100 ms only: each poll takes CPU time. */
async function finished(server: Server, jobId: string): Promise<number> {
  for (;;) {
    await new Promise((done) => setTimeout(done, 100));
    const job = await call(server, 'GET', `/api/v1/faces/enroll/status/${jobId}`);
    if (job.finished_at !== null) return Date.parse(String(job.finished_at)) - Date.parse(String(job.created_at));
  }
}

async function imagesOf(server: Server): Promise<string[]> {
  const page = await call(server, 'GET', '/api/v1/faces/enroll/jobs?status=completed&limit=50');
  const ids = [];
  for (const { job_id } of page.jobs as { job_id: string }[]) {
    const job = await call(server, 'GET', `/api/v1/faces/enroll/status/${job_id}`);
    ids.push((job.result as { image_id: string }).image_id);
  }
  return ids;
}

async function batch(server: Server, imageIds: readonly string[], priority: string, count: number): Promise<void> {
  const items = Array.from({ length: count }, (_, i) => ({ image_id: imageIds[i % imageIds.length] }));
  const body = Buffer.from(JSON.stringify({ priority, items }));
  await call(server, 'POST', '/api/v1/faces/enroll_batch', body, 'application/json');
}

async function waiting(server: Server, priority: string): Promise<number> {
  const { jobs } = await call(server, 'GET', '/api/v1/metrics');
  return (jobs as { waiting: Record<string, number> }).waiting[priority]!;
}

async function outboxPending(server: Server): Promise<number> {
  const { events } = await call(server, 'GET', '/api/v1/metrics');
  return (events as { outbox_pending: number }).outbox_pending;
}

async function call(
  { url, headers }: Server,
  method: string,
  path: string,
  body?: Uint8Array,
  type?: string,
): Promise<Record<string, unknown>> {
  const response = await fetch(url + path, {
    method,
    headers: { ...headers, ...(type === undefined ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
  });
  const answer = (await response.json()) as { success: boolean; data: Record<string, unknown> };
  if (!answer.success)
    throw new Error(`${path} responded with ${response.status}: ${JSON.stringify(answer).slice(0, 500)}`);
  return answer.data;
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))]!;
