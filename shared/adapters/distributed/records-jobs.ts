import { eachOf } from '../../domain/each-of.ts';
import { type Priority, priorities } from '../../domain/priority.ts';
import { AppError } from '../../errors.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import {
  type Backlog,
  type Job,
  type JobFilter,
  type JobOutcome,
  type JobStatus,
  jobStatuses,
  type LanePlace,
  mostUnderWayMs,
  type NewJob,
} from '../../ports/records/jobs.ts';
import type { WriteOptions } from '../../ports/records/outbox.ts';
import { asTenant } from '../../ports/tenant.ts';
import { atOnce } from './records-images.ts';
import { personRowOf } from './records-persons.ts';
import type { Bound } from './scylla/client.ts';
import { countOf, drop, type Entry, pageOf, platform, put, type StoredEntry, walk } from './scylla/lists.ts';
import type { ListTable } from './scylla/statements.ts';
import { outboxOf, type ScyllaStore } from './scylla/store.ts';

/** Number of finished jobs for the mean processing time. */
const sampled = 20;
/** Items of a batch that are written in parallel. */
const itemsAtOnce = 16;

/**
 * See `Records.createJob`. An erasure may be decided while the job is written. The erasure reads the list of the person's jobs after its
 * decision, and this call reads the person after the job is in the list: one of the two removes the job.
 */
export async function createJob(store: ScyllaStore, tenant: string, job: NewJob, options?: WriteOptions): Promise<Job> {
  const { personId } = job;
  if (personId === null) return await writeJob(store, tenant, job, options);
  const isErased = async () => (await personRowOf(store, tenant, personId)).isErased;
  if (await isErased()) throw new AppError('PERSON_ERASED');
  const made = await writeJob(store, tenant, job, options);
  if (!(await isErased())) return made;
  await removeJob(store, tenant, job.jobId, (written) => written.personId === personId);
  throw new AppError('PERSON_ERASED');
}

async function writeJob(
  { documents, now }: ScyllaStore,
  tenant: string,
  job: NewJob,
  options?: WriteOptions,
): Promise<Job> {
  return await documents.change<Job, Job>(
    'jobs',
    tenant,
    job.jobId,
    (current) => {
      if (current !== null) return { next: undefined, result: current };
      const made: Job = {
        ...job,
        batchId: job.batchId ?? null,
        item: job.item ?? null,
        status: 'queued',
        attempts: 0,
        failures: 0,
        underWaySince: null,
        result: null,
        error: null,
        createdAt: now(),
        startedAt: null,
        finishedAt: null,
      };
      return { next: made, effects: [...addJobToLists(tenant, made), ...outboxOf(options)], result: made };
    },
    options,
  );
}

export const createJobs = (
  store: ScyllaStore,
  tenant: string,
  jobs: readonly { readonly job: NewJob; readonly outbox: NonNullable<WriteOptions['outbox']> }[],
  signal: AbortSignal | undefined,
): Promise<Job[]> => eachOf(jobs, itemsAtOnce, ({ job, outbox }) => createJob(store, tenant, job, { outbox, signal }));

export async function getJob(store: ScyllaStore, tenant: string, id: string): Promise<Job | null> {
  const job = await store.documents.get<Job>('jobs', tenant, id);
  if (job !== null) return job;
  for await (const entry of walk(store.scylla, 'jobs_by_face', tenant, { order: 'down', step: 10 }, id)) {
    const newest = await store.documents.get<Job>('jobs', tenant, entry.id);
    if (newest !== null) return newest;
  }
  return null;
}

/** See: [Note: Attempts cut short]. Jobs of earlier versions have no `failures`. */
export const startJob = (store: ScyllaStore, tenant: string, jobId: string, signal?: AbortSignal) =>
  changeUnfinished(
    store,
    tenant,
    jobId,
    (job) => {
      const { attempts, failures = 0, underWaySince = null } = job;
      const at = store.now();
      const isRunning = underWaySince !== null && underWaySince >= at - mostUnderWayMs;
      return {
        ...job,
        status: 'processing',
        attempts: attempts + 1,
        failures: underWaySince === null || isRunning ? failures : failures + 1,
        underWaySince: isRunning ? underWaySince : at,
        startedAt: at,
      };
    },
    signal,
  );

export const endAttempt = (store: ScyllaStore, tenant: string, jobId: string, failed: boolean, signal?: AbortSignal) =>
  changeUnfinished(
    store,
    tenant,
    jobId,
    (job) => ({ ...job, failures: (job.failures ?? 0) + (failed ? 1 : 0), underWaySince: null }),
    signal,
  );

/** Changes an unfinished job without moving it between lists. A finished job stays unchanged. null when the job does not exist. */
const changeUnfinished = (
  { documents }: ScyllaStore,
  tenant: string,
  jobId: string,
  changed: (job: Job) => Job,
  signal: AbortSignal | undefined,
): Promise<Job | null> =>
  documents.change<Job, Job | null>(
    'jobs',
    tenant,
    jobId,
    (current) => {
      if (current === null || current.finishedAt !== null) return { next: undefined, result: current };
      const next = changed(current);
      return { next, result: next };
    },
    { signal },
  );

export const finishJob = (
  { documents, now }: ScyllaStore,
  tenant: string,
  jobId: string,
  outcome: JobOutcome,
  options?: WriteOptions,
) =>
  changeJob(documents, tenant, jobId, options, (current) => {
    if (current.finishedAt !== null) return null;
    return outcome.status === 'completed'
      ? {
          ...current,
          status: 'completed',
          personId: outcome.personId ?? current.personId,
          result: outcome.result,
          error: null,
          request: null,
          underWaySince: null,
          finishedAt: now(),
        }
      : {
          ...current,
          status: outcome.status,
          result: null,
          error: outcome.error,
          request: outcome.status === 'failed' ? current.request : null,
          underWaySince: null,
          finishedAt: now(),
        };
  });

export const cancelJob = ({ documents, now }: ScyllaStore, tenant: string, jobId: string, options?: WriteOptions) =>
  changeJob(documents, tenant, jobId, options, (current) =>
    current.status === 'queued' && current.attempts === 0
      ? { ...current, status: 'cancelled', request: null, finishedAt: now() }
      : null,
  );

export const requeueJob = ({ documents }: ScyllaStore, tenant: string, jobId: string, options?: WriteOptions) =>
  changeJob(documents, tenant, jobId, options, (current) =>
    current.status === 'failed' && current.request !== null
      ? { ...current, status: 'queued', attempts: 0, failures: 0, error: null, startedAt: null, finishedAt: null }
      : null,
  );

/** Changes a job and moves it between lists. `become` returns null when the job stays as it is. */
function changeJob(
  documents: ScyllaStore['documents'],
  tenant: string,
  jobId: string,
  options: WriteOptions | undefined,
  become: (current: Job) => Job | null,
): Promise<{ job: Job; changed: boolean } | null> {
  return documents.change<Job, { job: Job; changed: boolean } | null>(
    'jobs',
    tenant,
    jobId,
    (current) => {
      if (current === null) return { next: undefined, result: null };
      const next = become(current);
      if (next === null) return { next: undefined, result: { job: current, changed: false } };
      return {
        next,
        effects: [
          ...stateEntries(tenant, current, drop),
          ...stateEntries(tenant, next, put),
          ...subjectEntries(tenant, next, put),
          ...outboxOf(options),
        ],
        result: { job: next, changed: true },
      };
    },
    options,
  );
}

/** Deletes the jobs that name a person, and returns them. `before` runs for each job before its deletion. */
export async function deleteJobsOf(
  store: ScyllaStore,
  tenant: string,
  { personId, externalId }: { readonly personId: string; readonly externalId: string | null },
  before: (job: Job) => Promise<void>,
): Promise<Job[]> {
  const names = [`p/${personId}`, ...(externalId === null ? [] : [`e/${externalId}`])];
  const ids = new Set<string>();
  for (const name of names) {
    for await (const { id } of walk(store.scylla, 'jobs_by_person', tenant, { order: 'up', step: 1000 }, name)) {
      ids.add(id);
    }
  }
  const removed = await eachOf([...ids], itemsAtOnce, (jobId) =>
    removeJob(
      store,
      tenant,
      jobId,
      (job) => job.personId === personId || (externalId !== null && job.externalId === externalId),
      before,
    ),
  );
  return removed.filter((job) => job !== null);
}

/** Deletes finished jobs of all tenants. */
export async function expireJobs(store: ScyllaStore, finishedBefore: number, limit: number): Promise<number> {
  const due: StoredEntry[] = [];
  const wanted = { order: 'up', to: finishedBefore, step: Math.min(limit, 1000) } as const;
  for await (const entry of walk(store.scylla, 'jobs_finished', platform, wanted)) {
    if (due.push(entry) >= limit) break;
  }
  const removed = await eachOf(due, itemsAtOnce, ({ id }) => {
    const [tenant, jobId] = JSON.parse(id) as [string, string];
    return removeJob(store, tenant, jobId, ({ finishedAt }) => finishedAt !== null && finishedAt < finishedBefore);
  });
  return removed.filter((job) => job !== null).length;
}

const removeJob = (
  { documents }: ScyllaStore,
  tenant: string,
  jobId: string,
  which: (job: Job) => boolean,
  before: (job: Job) => Promise<void> = async () => undefined,
) =>
  documents.change<Job, Job | null>('jobs', tenant, jobId, async (current) => {
    if (current === null || !which(current)) return { next: undefined, result: null };
    await before(current);
    return { next: null, effects: removeJobFromLists(tenant, current), result: current };
  });

/** See `Records.lane`. */
export async function lane(
  { scylla }: ScyllaStore,
  tenant: string,
  priority: Priority,
  more: number,
): Promise<LanePlace> {
  const [own, all] = await Promise.all(
    [tenant, platform].map((owner) => countOf(scylla, 'jobs_waiting', owner, priority)),
  );
  return { own: own!.count, last: Math.max(all!.count, own!.count) + more };
}

/** See `Records.backlog`. */
export async function backlog({ scylla }: ScyllaStore): Promise<Backlog> {
  const waiting = await Promise.all(
    priorities.map(async (priority) => [priority, (await countOf(scylla, 'jobs_waiting', platform, priority)).count]),
  );
  const durations: number[] = [];
  let read = 0;
  for await (const { at, data } of walk(scylla, 'jobs_finished', platform, { order: 'down', step: sampled })) {
    if (data !== '') durations.push(at - Number(data));
    if (durations.length >= sampled || ++read >= 10 * sampled) break;
  }
  return {
    outbox: (await countOf(scylla, 'outbox', platform)).count,
    jobs: Object.fromEntries(waiting) as Backlog['jobs'],
    meanProcessingMs: durations.length === 0 ? null : durations.reduce((sum, each) => sum + each, 0) / durations.length,
    deadLetters: (await countOf(scylla, 'dead_letters_of_all', platform)).count,
  };
}

export async function listJobs(
  store: ScyllaStore,
  tenant: string,
  { status, priority }: JobFilter,
  options: PageOptions,
): Promise<Page<Job>> {
  const listing = JSON.stringify(['jobs', tenant, status ?? null, priority ?? null]);
  return await pageOf(store.scylla, await store.tokens(), listing, 'jobs_by_tenant', tenant, {
    ...options,
    order: 'down',
    load: jobLoader(
      store,
      tenant,
      (job) => (status === undefined || job.status === status) && (priority === undefined || job.priority === priority),
    ),
  });
}

export async function listBatch(
  store: ScyllaStore,
  tenant: string,
  batchId: string,
  { status }: Pick<JobFilter, 'status'>,
  options: PageOptions,
): Promise<Page<Job>> {
  const listing = JSON.stringify(['batch', tenant, batchId, status ?? null]);
  return await pageOf(store.scylla, await store.tokens(), listing, 'jobs_by_batch', tenant, {
    ...options,
    scope: batchId,
    order: 'up',
    load: jobLoader(store, tenant, (job) => status === undefined || job.status === status),
  });
}

export async function countBatch(
  store: ScyllaStore,
  tenant: string,
  batchId: string,
): Promise<Record<JobStatus, number>> {
  const counts = Object.fromEntries(jobStatuses.map((status) => [status, 0])) as Record<JobStatus, number>;
  const load = jobLoader(store, tenant, () => true);
  const count = async (entries: readonly StoredEntry[]) => {
    for (const job of await load(entries)) if (job !== null) counts[job.status]++;
  };
  let entries: StoredEntry[] = [];
  for await (const entry of walk(store.scylla, 'jobs_by_batch', tenant, { order: 'up', step: 1000 }, batchId)) {
    if (entries.push(entry) < 1000) continue;
    await count(entries);
    entries = [];
  }
  await count(entries);
  return counts;
}

const jobLoader =
  ({ documents }: ScyllaStore, tenant: string, wanted: (job: Job) => boolean) =>
  (entries: readonly StoredEntry[]) =>
    eachOf(entries, atOnce, async ({ id }) => {
      const job = await documents.get<Job>('jobs', tenant, id);
      return job !== null && wanted(job) ? job : null;
    });

type Change = typeof put | typeof drop;

export const addJobToLists = (tenant: string, job: Job): Bound[] => [
  ...lifelongEntries(tenant, job, put),
  ...subjectEntries(tenant, job, put),
  ...stateEntries(tenant, job, put),
];
export const removeJobFromLists = (tenant: string, job: Job): Bound[] => [
  ...lifelongEntries(tenant, job, drop),
  ...subjectEntries(tenant, job, drop),
  ...stateEntries(tenant, job, drop),
];

/** Entries of lists that have a job for its whole life. */
function lifelongEntries(tenant: string, job: Job, change: Change): Bound[] {
  const entry = { at: job.createdAt, id: job.jobId };
  return [
    ...inList(change, 'jobs_by_tenant', tenant, entry),
    ...inList(change, 'jobs_by_face', tenant, entry, job.faceId),
    ...(job.batchId === null || job.item === null
      ? []
      : inList(change, 'jobs_by_batch', tenant, { at: job.item, id: job.jobId }, job.batchId)),
  ];
}

/** Entries of the lists by person id and external id. */
function subjectEntries(tenant: string, { personId, externalId, createdAt, jobId }: Job, change: Change): Bound[] {
  const entry = { at: createdAt, id: jobId };
  return [
    ...(personId === null ? [] : inList(change, 'jobs_by_person', tenant, entry, `p/${personId}`)),
    ...(externalId === null ? [] : inList(change, 'jobs_by_person', tenant, entry, `e/${externalId}`)),
  ];
}

/** Entries of the list of waiting jobs, of all tenants and of its tenant, or of the list of finished jobs of all tenants. */
function stateEntries(
  tenant: string,
  { jobId, priority, createdAt, startedAt, finishedAt }: Job,
  change: Change,
): Bound[] {
  const id = JSON.stringify([asTenant(tenant), jobId]);
  return finishedAt === null
    ? [
        ...inList(change, 'jobs_waiting', platform, { at: createdAt, id }, priority),
        ...inList(change, 'jobs_waiting', tenant, { at: createdAt, id }, priority),
      ]
    : inList(change, 'jobs_finished', platform, { at: finishedAt, id }, undefined, String(startedAt ?? ''));
}

function inList(change: Change, table: ListTable, tenant: string, entry: Entry, scope?: string, data = ''): Bound[] {
  return change === drop ? drop(table, tenant, entry, scope) : put(table, tenant, entry, data, scope);
}
