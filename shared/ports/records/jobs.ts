import type { Priority } from '../../domain/priority.ts';
import type { JsonObject } from '../json.ts';
import type { Page, PageOptions } from '../pages.ts';
import type { CallOptions, Tenant } from '../tenant.ts';
import type { OutboxEntry, WriteOptions } from './outbox.ts';

export const jobStatuses = ['queued', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** An enrolment that was accepted and is processed later. */
export interface Job {
  readonly jobId: string;
  /** Id of the main face of the photo, known before the job is processed. */
  readonly faceId: string;
  readonly priority: Priority;
  readonly status: JobStatus;
  /** The person that the request names; after completion, the person of the face. */
  readonly personId: string | null;
  readonly externalId: string | null;
  /**
   * Key of the image in the `images` port. It is valid until the job is completed or cancelled, and also after a failure, because a
   * failed job can be queued again.
   */
  readonly imageKey: string;
  /** The fields of the request; null after the job is completed or cancelled. */
  readonly request: JsonObject | null;
  /** Batch of this job; null: the job does not belong to a batch. */
  readonly batchId: string | null;
  /** Position in the batch, from 0; null: the job does not belong to a batch. */
  readonly item: number | null;
  readonly webhookUrl: string | null;
  /** Number of attempts that were started. */
  readonly attempts: number;
  /** Number of attempts that failed or were cut short and for which the photo may be the cause. */
  readonly failures: number;
  /** Start of the attempt that is still running, in milliseconds since the epoch; null: no attempt is running. */
  readonly underWaySince: number | null;
  readonly result: JsonObject | null;
  readonly error: JsonObject | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Start of the latest attempt. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}
export type NewJob = Pick<
  Job,
  'jobId' | 'faceId' | 'priority' | 'personId' | 'externalId' | 'imageKey' | 'webhookUrl'
> &
  Partial<Pick<Job, 'batchId' | 'item'>> & { readonly request: JsonObject };

/** SHA-256 of the photo of a job, hex; undefined: the job is finished, or the request does not contain it. */
export function digestOfJob({ request }: Pick<Job, 'request'>): string | undefined {
  const source = request?.source as { readonly digest?: unknown } | null | undefined;
  const digest = source?.digest ?? request?.digest;
  return typeof digest === 'string' ? digest : undefined;
}

export interface JobFilter {
  readonly status?: JobStatus | undefined;
  readonly priority?: Priority | undefined;
}
/**
 * An attempt counts as running for this long when it reports no end, in milliseconds: the longest time of a delivery.
 *
 * [Note: Attempts cut short]
 * A photo that kills the process will kill the next one too. So an attempt without an end counts as a failure. But an event may be
 * delivered ten times at once, and one crash cuts off all ten attempts: that is one failure. So only the first attempt sets
 * `underWaySince`, and attempts next to it are not counted as failures. The next attempt counts one failure when `underWaySince` is
 * more than `mostUnderWayMs` ago, or when the process of that attempt is known to have ended. Only the embedded store knows the latter,
 * because a single process uses it. With the distributed store, a job that kills every process at once counts one failure per minute.
 */
export const mostUnderWayMs = 60_000;

export type JobOutcome =
  | { readonly status: 'completed'; readonly personId: string | null; readonly result: JsonObject }
  | { readonly status: 'failed' | 'cancelled'; readonly error: JsonObject };

/** Waiting work of all tenants. */
export interface Backlog {
  /** Events in the outbox. */
  readonly outbox: number;
  /** Jobs that are not finished. */
  readonly jobs: Readonly<Record<Priority, number>>;
  /** Mean time of the latest finished jobs from their last start to their end; null when there are none. */
  readonly meanProcessingMs: number | null;
  /** Stored dead letters. */
  readonly deadLetters: number;
}

export interface LanePlace {
  /** Jobs of the tenant in the lane that are not finished. */
  readonly own: number;
  /** Number of jobs that are processed until the last of the new jobs is processed, including all new jobs. */
  readonly last: number;
}

/** Enrolment jobs and their batches. See: [Note: One store of records] */
export interface JobRecords {
  /**
   * When a job with this id exists, nothing changes: the stored job is returned and the events of the outbox are not written. Errors:
   * PERSON_ERASED when the person that the job names was erased.
   */
  createJob(tenant: Tenant, job: NewJob, options?: WriteOptions): Promise<Job>;
  /**
   * Creates several jobs, each like createJob. Resolves in the order of `jobs`. After a rejection some jobs may exist; the same call again
   * creates the others.
   */
  createJobs(
    tenant: Tenant,
    jobs: readonly { readonly job: NewJob; readonly outbox: readonly OutboxEntry[] }[],
    options?: CallOptions,
  ): Promise<Job[]>;
  /** Finds a job by its own id or by its `faceId`; the newest one when several jobs have the face. null when there is none. */
  getJob(tenant: Tenant, id: string, options?: CallOptions): Promise<Job | null>;
  /**
   * Counts an attempt and sets the status `processing`. A job that is completed, failed or cancelled does not change. Resolves to the
   * job; null when it does not exist. See: [Note: Attempts cut short]
   */
  startJob(tenant: Tenant, jobId: string, options?: CallOptions): Promise<Job | null>;
  /**
   * Records that no attempt is running. `failed`: also counts a failure. A finished job does not change. null when the job does not
   * exist.
   */
  endAttempt(
    tenant: Tenant,
    jobId: string,
    outcome: { readonly failed: boolean },
    options?: CallOptions,
  ): Promise<Job | null>;
  /**
   * Stores the outcome. Only the first outcome of a job is stored: for a later one `changed` is false and the events of the outbox are
   * not written. null when the job does not exist.
   */
  finishJob(
    tenant: Tenant,
    jobId: string,
    outcome: JobOutcome,
    options?: WriteOptions,
  ): Promise<{ job: Job; changed: boolean } | null>;
  /** Newest first. */
  listJobs(tenant: Tenant, filter: JobFilter, options: PageOptions): Promise<Page<Job>>;
  /** Jobs of a batch, ordered by `item`. */
  listBatch(
    tenant: Tenant,
    batchId: string,
    filter: Pick<JobFilter, 'status'>,
    options: PageOptions,
  ): Promise<Page<Job>>;
  /** Number of jobs of a batch by status. All 0 when the batch does not exist. */
  countBatch(tenant: Tenant, batchId: string, options?: CallOptions): Promise<Record<JobStatus, number>>;
  /** Cancels a queued job without attempts. `changed` is false for any other job. null when the job does not exist. */
  cancelJob(tenant: Tenant, jobId: string, options?: WriteOptions): Promise<{ job: Job; changed: boolean } | null>;
  /**
   * Queues a failed job again, with 0 attempts and 0 failures. `changed` is false for any other job. null when the job does not exist.
   */
  requeueJob(tenant: Tenant, jobId: string, options?: WriteOptions): Promise<{ job: Job; changed: boolean } | null>;
  /**
   * Deletes at most `limit` jobs of all tenants that finished before `finishedBefore` (milliseconds since the epoch). Resolves to their
   * number.
   */
  expireJobs(finishedBefore: number, limit: number, options?: CallOptions): Promise<number>;
  backlog(options?: CallOptions): Promise<Backlog>;
  /**
   * The tenant's place in a lane, for `more` new jobs. Embedded: tenants take turns, so a tenant with many jobs delays the others by one
   * job at a time. Distributed: jobs are processed in the order of their creation.
   */
  lane(tenant: Tenant, priority: Priority, more: number, options?: CallOptions): Promise<LanePlace>;
}
