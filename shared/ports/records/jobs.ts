import type { Priority } from '../../domain/priority.ts';
import type { JsonObject } from '../json.ts';
import type { Page, PageOptions } from '../pages.ts';
import type { CallOptions, Tenant } from '../tenant.ts';
import type { OutboxEntry, WriteOptions } from './outbox.ts';

export const jobStatuses = ['queued', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** An enrolment that was accepted and is done later. */
export interface Job {
  readonly jobId: string;
  /** Id that the photo's main face gets. */
  readonly faceId: string;
  readonly priority: Priority;
  readonly status: JobStatus;
  /** Whom it names; once it is completed, whose the face is. */
  readonly personId: string | null;
  readonly externalId: string | null;
  /** Key of the image in the images port until the job is done or cancelled; one that failed may be tried again. */
  readonly imageKey: string;
  /** What was asked for; null once the job is done or cancelled. */
  readonly request: JsonObject | null;
  /** The batch that it is an item of, and its place there from 0; null: it was accepted alone. */
  readonly batchId: string | null;
  readonly item: number | null;
  readonly webhookUrl: string | null;
  /** Times it was begun. */
  readonly attempts: number;
  /** Attempts that failed or were cut short, as far as the photo may be why. */
  readonly failures: number;
  /** When the attempt began of which nobody has heard the end, in milliseconds since the epoch; null: none is under way. */
  readonly underWaySince: number | null;
  readonly result: JsonObject | null;
  readonly error: JsonObject | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** When the latest attempt began. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}
export type NewJob = Pick<
  Job,
  'jobId' | 'faceId' | 'priority' | 'personId' | 'externalId' | 'imageKey' | 'webhookUrl'
> &
  Partial<Pick<Job, 'batchId' | 'item'>> & { readonly request: JsonObject };
export interface JobFilter {
  readonly status?: JobStatus | undefined;
  readonly priority?: Priority | undefined;
}
/**
 * How long an attempt is taken to be under way when nothing is heard of it, in milliseconds: as long as a delivery may take.
 *
 * [Note: Attempts cut short]
 * A photo that kills the process kills it again, so attempts that never ended count as failures. But an event may come ten times at
 * once, and a crash cuts off all ten: that is one failure. So the first of several deliveries holds the job, and the others beside it
 * count for nothing. When the next one finds that the holder has been silent for too long, or that it belonged to a process which is
 * known to be gone, one failure is counted. Only the embedded store knows: whoever opens it is alone with it. On the engines a job that
 * kills each process at once is counted once a minute.
 */
export const mostUnderWayMs = 60_000;

export type JobOutcome =
  | { readonly status: 'completed'; readonly personId: string | null; readonly result: JsonObject }
  | { readonly status: 'failed' | 'cancelled'; readonly error: JsonObject };

/** Work of all tenants that waits. */
export interface Backlog {
  /** Events written and not yet published. */
  readonly outbox: number;
  /** Jobs not finished. */
  readonly jobs: Readonly<Record<Priority, number>>;
  /** How long the latest finished jobs took from their last start to their end; null when there is none. */
  readonly meanProcessingMs: number | null;
  /** Dead letters that are kept. */
  readonly deadLetters: number;
}

/** Enrolment jobs and their batches. See: [Note: One store of records] */
export interface JobRecords {
  /** The same id again changes nothing and gives back what is there; then no event goes out. */
  createJob(tenant: Tenant, job: NewJob, options?: WriteOptions): Promise<Job>;
  /** Several at once, each as by createJob; resolves in the order given. When it rejects, some may be there: the same call again adds the others. */
  createJobs(
    tenant: Tenant,
    jobs: readonly { readonly job: NewJob; readonly outbox: readonly OutboxEntry[] }[],
    options?: CallOptions,
  ): Promise<Job[]>;
  /** `id` of the job, or of its face: then the newest job that has it. */
  getJob(tenant: Tenant, id: string, options?: CallOptions): Promise<Job | null>;
  /**
   * Counts an attempt and says `processing`, unless the job is finished or cancelled: then it stays as it is.
   * See: [Note: Attempts cut short]
   */
  startJob(tenant: Tenant, jobId: string, options?: CallOptions): Promise<Job | null>;
  /** Says that no attempt is under way any more; `failed`: that counts as a failure. Changes nothing of a finished job. */
  endAttempt(
    tenant: Tenant,
    jobId: string,
    outcome: { readonly failed: boolean },
    options?: CallOptions,
  ): Promise<Job | null>;
  /** The first outcome stays: `changed` is false, and no event goes out, when there was one. null when the job is gone. */
  finishJob(
    tenant: Tenant,
    jobId: string,
    outcome: JobOutcome,
    options?: WriteOptions,
  ): Promise<{ job: Job; changed: boolean } | null>;
  /** Newest first. */
  listJobs(tenant: Tenant, filter: JobFilter, options: PageOptions): Promise<Page<Job>>;
  /** Jobs of a batch in their order. */
  listBatch(
    tenant: Tenant,
    batchId: string,
    filter: Pick<JobFilter, 'status'>,
    options: PageOptions,
  ): Promise<Page<Job>>;
  /** How many jobs of a batch have each status. All 0: there is no such batch. */
  countBatch(tenant: Tenant, batchId: string, options?: CallOptions): Promise<Record<JobStatus, number>>;
  /** Cancels a job that is queued and was never begun; `changed` is false for any other. null when there is none. */
  cancelJob(tenant: Tenant, jobId: string, options?: WriteOptions): Promise<{ job: Job; changed: boolean } | null>;
  /** Makes a job that failed a queued one without attempts and failures; `changed` is false for any other. null when there is none. */
  requeueJob(tenant: Tenant, jobId: string, options?: WriteOptions): Promise<{ job: Job; changed: boolean } | null>;
  /** Removes at most `limit` jobs of all tenants that were finished before; resolves to how many. */
  expireJobs(finishedBefore: number, limit: number, options?: CallOptions): Promise<number>;
  backlog(options?: CallOptions): Promise<Backlog>;
}
