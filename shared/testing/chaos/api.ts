import { type Answer, type CallOptions, send } from '../send.ts';
import type { ChaosChild } from './child.ts';
import type { ChaosFile } from './plan.ts';

export interface ChaosApi {
  /** Repeats a request, as a persistent client, until the response is a success or an error in `accepts`. */
  insist(
    method: string,
    path: string,
    options?: CallOptions,
    accepts?: readonly string[],
  ): Promise<{ answer: Answer; tries: number }>;
}

/** A client that repeats its requests until they succeed, and starts the platform again if necessary. */
export function clientOf(child: ChaosChild): ChaosApi {
  return {
    async insist(method, path, options, accepts = []) {
      for (let tries = 1; ; tries++) {
        const { url, key } = await child.running();
        const answer = await send(url, method, path, { as: key, ...options }).catch(() => undefined);
        const isDone = answer !== undefined && (answer.status < 300 || accepts.includes(answer.json?.error?.code));
        if (isDone) return { answer, tries };
        if (answer !== undefined && answer.status < 500 && ![408, 409, 429].includes(answer.status))
          throw new Error(`${method} ${path} returned ${answer.status}: ${JSON.stringify(answer.json)}`);
        if (tries > 500)
          throw new Error(`${method} ${path} does not succeed: ${answer?.status} ${JSON.stringify(answer?.json)}`);
        await new Promise((resolve) => setTimeout(resolve, 20 + Math.min(tries, 20) * 20));
      }
    },
  };
}

/**
 * Resolves when no job waits, no event is in progress, every file is processed and the end of every job has been delivered to the
 * webhook. Also resolves when nothing has changed for seven minutes and `hasPending` says that no message waits for its next attempt:
 * the platform retries a message after five minutes if two attempts were interrupted, and half an hour after its due time if a third
 * attempt was interrupted too.
 */
export async function untilIdle(
  api: ChaosApi,
  {
    delivered,
    files = [],
    say = () => undefined,
    hasPending = async () => false,
  }: {
    /** By job id. */
    readonly delivered: ReadonlyMap<string, unknown>;
    readonly files?: readonly ChaosFile[];
    readonly say?: (line: string) => void;
    /** Whether a webhook message waits for its next attempt. */
    readonly hasPending?: () => Promise<boolean>;
  },
): Promise<void> {
  const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);
  let last = '';
  let since = performance.now();
  let openFiles = files;
  for (;;) {
    const { jobs, events } = (await api.insist('GET', '/api/v1/metrics')).answer.json.data;
    const waiting = sum(Object.values(jobs.waiting as Record<string, number>));
    // A broker that does not respond is not idle.
    const lag = sum((events.lag as { waiting: number }[] | null)?.map((group) => group.waiting) ?? [Number.NaN]);
    const idle = waiting + lag + events.outbox_pending === 0;
    const all = idle ? await listJobs(api) : null;
    if (all !== null) openFiles = await unsettled(openFiles, all, api);
    const state = `${waiting} jobs wait, ${lag} events in progress, ${events.outbox_pending} in the outbox, ${openFiles.length} files to process, ${delivered.size} jobs delivered`;
    if (state !== last && !Number.isNaN(lag)) {
      last = state;
      since = performance.now();
      say(state);
    }
    if (
      all !== null &&
      openFiles.length === 0 &&
      all.every(({ job_id, status }) => status === 'cancelled' || delivered.has(job_id))
    )
      return;
    if (performance.now() - since > 420_000 && !(await hasPending())) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

interface ListedJob {
  readonly job_id: string;
  readonly face_id: string;
  readonly batch_id: string | null;
  readonly status: string;
}

async function listJobs(api: ChaosApi): Promise<ListedJob[]> {
  const all: ListedJob[] = [];
  let token: string | null = '';
  while (token !== null) {
    const path = `/api/v1/faces/enroll/jobs?limit=500${token === '' ? '' : `&page_token=${encodeURIComponent(token)}`}`;
    const { data } = (await api.insist('GET', path)).answer.json as {
      data: { jobs: ListedJob[]; next_page_token: string | null };
    };
    all.push(...data.jobs);
    token = data.next_page_token;
  }
  return all;
}

/** Files whose last version is not processed yet, or that still have a face of an earlier version. */
async function unsettled(
  files: readonly ChaosFile[],
  jobs: readonly ListedJob[],
  api: ChaosApi,
): Promise<readonly ChaosFile[]> {
  const done = new Set(
    jobs.flatMap(({ face_id, batch_id, status }) =>
      batch_id === null && ['completed', 'failed'].includes(status) ? [face_id] : [],
    ),
  );
  const open: ChaosFile[] = [];
  for (const file of files) {
    const [last, ...before] = file.versions.toReversed();
    if (last != null && !done.has(last.faceId)) open.push(file);
    else
      for (const photo of before) {
        if (photo === null) continue;
        const { answer } = await api.insist('GET', `/api/v1/faces/${photo.faceId}`, {}, ['FACE_NOT_FOUND']);
        if (answer.status === 200 && !open.includes(file)) open.push(file);
      }
  }
  return open;
}
