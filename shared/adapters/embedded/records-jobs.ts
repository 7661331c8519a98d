import { type Priority, priorities } from '../../domain/priority.ts';
import type { JsonObject } from '../../ports/json.ts';
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
import type { Tenant } from '../../ports/tenant.ts';
import type { PageTokens } from '../page-token.ts';
import type { Database } from './database.ts';
import { refuseErasedPerson } from './records-erasures.ts';
import { page } from './records-reading.ts';

/** Number of finished jobs in the mean processing time. */
const paceOf = 20;

interface JobRow {
  job_id: string;
  face_id: string;
  priority: Priority;
  status: Job['status'];
  person_id: string | null;
  external_id: string | null;
  image_key: string;
  request: string | null;
  webhook_url: string | null;
  attempts: number;
  failures: number;
  under_way_since: number | null;
  result: string | null;
  error: string | null;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  batch_id: string | null;
  item: number | null;
}

/** Inside a transaction. `created` is false if the job exists already. Errors: PERSON_ERASED. */
export function createJob(
  database: Database,
  tenant: Tenant,
  job: NewJob,
  now: number,
): { job: Job; created: boolean } {
  if (job.personId !== null) refuseErasedPerson(database, tenant, job.personId);
  const { changes } = database.run(
    `INSERT INTO jobs (tenant, job_id, face_id, priority, status, person_id, external_id, image_key, request, webhook_url,
       attempts, created_at, batch_id, item)
     VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, 0, ?, ?, ?) ON CONFLICT DO NOTHING`,
    [
      tenant,
      job.jobId,
      job.faceId,
      job.priority,
      job.personId,
      job.externalId,
      job.imageKey,
      JSON.stringify(job.request),
      job.webhookUrl,
      now,
      job.batchId ?? null,
      job.item ?? null,
    ],
  );
  return { job: byId(database, tenant, job.jobId)!, created: changes > 0 };
}

export const getJob = (database: Database, tenant: Tenant, id: string): Job | null =>
  byId(database, tenant, id) ?? newestOfFace(database, tenant, id) ?? null;

/** Inside a transaction. `openedAt`: an attempt that started before this time ended with its process. See: [Note: Attempts cut short] */
export function startJob(
  database: Database,
  tenant: Tenant,
  jobId: string,
  { now, openedAt }: { readonly now: number; readonly openedAt: number },
): Job | null {
  database.run(
    `UPDATE jobs SET status = 'processing', attempts = attempts + 1, started_at = ?1,
       failures = failures + coalesce(under_way_since < ?2, 0),
       under_way_since = CASE WHEN under_way_since >= ?2 THEN under_way_since ELSE ?1 END
     WHERE tenant = ?3 AND job_id = ?4 AND finished_at IS NULL`,
    [now, Math.max(openedAt, now - mostUnderWayMs), tenant, jobId],
  );
  return byId(database, tenant, jobId) ?? null;
}

/** Inside a transaction. */
export function endAttempt(database: Database, tenant: Tenant, jobId: string, failed: boolean): Job | null {
  database.run(
    `UPDATE jobs SET failures = failures + ?, under_way_since = NULL
     WHERE tenant = ? AND job_id = ? AND finished_at IS NULL`,
    [failed ? 1 : 0, tenant, jobId],
  );
  return byId(database, tenant, jobId) ?? null;
}

/** Inside a transaction. */
export function finishJob(
  database: Database,
  tenant: Tenant,
  jobId: string,
  outcome: JobOutcome,
  now: number,
): { job: Job; changed: boolean } | null {
  const [result, error, personId] =
    outcome.status === 'completed'
      ? [JSON.stringify(outcome.result), null, outcome.personId]
      : [null, JSON.stringify(outcome.error), null];
  const { changes } = database.run(
    `UPDATE jobs SET status = ?, result = ?, error = ?, person_id = coalesce(?, person_id), request = CASE WHEN ?1 = 'failed' THEN request END,
       under_way_since = NULL, finished_at = ?
     WHERE tenant = ? AND job_id = ? AND finished_at IS NULL`,
    [outcome.status, result, error, personId, now, tenant, jobId],
  );
  const job = byId(database, tenant, jobId);
  return job === undefined ? null : { job, changed: changes > 0 };
}

/** Inside a transaction. */
export function cancelJob(database: Database, tenant: Tenant, jobId: string, now: number): Changed | null {
  const { changes } = database.run(
    `UPDATE jobs SET status = 'cancelled', request = NULL, finished_at = ?
     WHERE tenant = ? AND job_id = ? AND status = 'queued' AND attempts = 0`,
    [now, tenant, jobId],
  );
  const job = byId(database, tenant, jobId);
  return job === undefined ? null : { job, changed: changes > 0 };
}

/** Inside a transaction. */
export function requeueJob(database: Database, tenant: Tenant, jobId: string): Changed | null {
  const { changes } = database.run(
    `UPDATE jobs SET status = 'queued', attempts = 0, failures = 0, error = NULL, started_at = NULL, finished_at = NULL
     WHERE tenant = ? AND job_id = ? AND status = 'failed' AND request IS NOT NULL`,
    [tenant, jobId],
  );
  const job = byId(database, tenant, jobId);
  return job === undefined ? null : { job, changed: changes > 0 };
}

interface Changed {
  readonly job: Job;
  readonly changed: boolean;
}

export function listJobs(
  database: Database,
  tokens: PageTokens,
  tenant: Tenant,
  { status, priority }: JobFilter,
  options: PageOptions,
): Page<Job> {
  const conditions = Object.entries({ status, priority }).filter((each) => each[1] !== undefined) as [string, string][];
  return page<JobRow, Job>(database, tokens, options, {
    listing: JSON.stringify(['jobs', tenant, status ?? null, priority ?? null]),
    select: 'SELECT * FROM jobs INDEXED BY jobs_by_age',
    where: ['tenant = ?', ...conditions.map(([column]) => `${column} = ?`)].join(' AND '),
    values: [tenant, ...conditions.map(([, value]) => value)],
    order: 'DESC',
    id: 'job_id',
    toItem: toJob,
  });
}

export const listBatch = (
  database: Database,
  tokens: PageTokens,
  tenant: Tenant,
  batchId: string,
  { status }: Pick<JobFilter, 'status'>,
  options: PageOptions,
): Page<Job> =>
  page<JobRow, Job>(database, tokens, options, {
    listing: JSON.stringify(['batch', tenant, batchId, status ?? null]),
    select: 'SELECT * FROM jobs INDEXED BY jobs_by_batch',
    where: `tenant = ? AND batch_id = ?${status === undefined ? '' : ' AND status = ?'}`,
    values: [tenant, batchId, ...(status === undefined ? [] : [status])],
    order: 'ASC',
    by: 'item',
    id: 'job_id',
    toItem: toJob,
  });

export function countBatch(database: Database, tenant: Tenant, batchId: string): Record<JobStatus, number> {
  const rows = database.all<{ status: JobStatus; jobs: number }>(
    'SELECT status, count(*) AS jobs FROM jobs WHERE tenant = ? AND batch_id = ? GROUP BY status',
    [tenant, batchId],
  );
  const counts = jobStatuses.map((status) => [status, rows.find((row) => row.status === status)?.jobs ?? 0]);
  return Object.fromEntries(counts) as Record<JobStatus, number>;
}

/** Inside a transaction. Deletes and returns the jobs that name the person. */
export const deleteJobsOf = (
  database: Database,
  tenant: Tenant,
  { personId, externalId }: { personId: string; externalId: string | null },
): Job[] =>
  database
    .all<JobRow>('DELETE FROM jobs WHERE tenant = ? AND (person_id = ? OR external_id = ?) RETURNING *', [
      tenant,
      personId,
      externalId,
    ])
    .map(toJob);

export const expireJobs = (database: Database, finishedBefore: number, limit: number): number =>
  database.run(
    `DELETE FROM jobs WHERE (tenant, job_id) IN
       (SELECT tenant, job_id FROM jobs WHERE finished_at < ? ORDER BY finished_at LIMIT ?)`,
    [finishedBefore, limit],
  ).changes;

/** See `Records.lane`. See: [Note: Tenants take turns] */
export function lane(database: Database, tenant: Tenant, priority: Priority, more: number): LanePlace {
  const rows = database.all<{ tenant: string; jobs: number }>(
    'SELECT tenant, count(*) AS jobs FROM jobs WHERE priority = ? AND finished_at IS NULL GROUP BY tenant',
    [priority],
  );
  const own = rows.find((row) => row.tenant === tenant)?.jobs ?? 0;
  const others = rows.filter((row) => row.tenant !== tenant).map(({ jobs }) => Math.min(jobs, own + more));
  return { own, last: others.reduce((sum, jobs) => sum + jobs, own + more) };
}

export function backlog(database: Database): Backlog {
  const waiting = database.all<{ priority: Priority; jobs: number }>(
    'SELECT priority, count(*) AS jobs FROM jobs WHERE finished_at IS NULL GROUP BY priority',
  );
  const { mean } = database.get<{ mean: number | null }>(
    `SELECT avg(finished_at - started_at) AS mean FROM
       (SELECT finished_at, started_at FROM jobs WHERE finished_at IS NOT NULL AND started_at IS NOT NULL ORDER BY finished_at DESC LIMIT ?)`,
    [paceOf],
  )!;
  return {
    outbox: database.get<{ entries: number }>('SELECT count(*) AS entries FROM outbox')!.entries,
    jobs: Object.fromEntries(
      priorities.map((priority) => [priority, waiting.find((row) => row.priority === priority)?.jobs ?? 0]),
    ) as Record<Priority, number>,
    meanProcessingMs: mean,
    deadLetters: database.get<{ letters: number }>('SELECT count(*) AS letters FROM dead_letters')!.letters,
  };
}

function byId(database: Database, tenant: Tenant, jobId: string): Job | undefined {
  const row = database.get<JobRow>('SELECT * FROM jobs WHERE tenant = ? AND job_id = ?', [tenant, jobId]);
  return row && toJob(row);
}

function newestOfFace(database: Database, tenant: Tenant, faceId: string): Job | undefined {
  const row = database.get<JobRow>(
    'SELECT * FROM jobs WHERE tenant = ? AND face_id = ? ORDER BY created_at DESC, job_id DESC LIMIT 1',
    [tenant, faceId],
  );
  return row && toJob(row);
}

const toJob = (row: JobRow): Job => ({
  jobId: row.job_id,
  faceId: row.face_id,
  priority: row.priority,
  status: row.status,
  personId: row.person_id,
  externalId: row.external_id,
  imageKey: row.image_key,
  request: parsed(row.request),
  batchId: row.batch_id,
  item: row.item,
  webhookUrl: row.webhook_url,
  attempts: row.attempts,
  failures: row.failures,
  underWaySince: row.under_way_since,
  result: parsed(row.result),
  error: parsed(row.error),
  createdAt: row.created_at,
  startedAt: row.started_at,
  finishedAt: row.finished_at,
});

const parsed = (text: string | null): JsonObject | null => (text === null ? null : (JSON.parse(text) as JsonObject));
