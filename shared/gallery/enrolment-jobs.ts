import { createHash } from 'node:crypto';
import { faceIdOf } from '../domain/ids.ts';
import type { Priority } from '../domain/priority.ts';
import { enrolmentJobs as tuning } from '../domain/tuning.ts';
import { waitingTime } from '../domain/waiting-time.ts';
import { mayHaveHappened } from '../errors.ts';
import { outboxEntry } from '../events/catalogue.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { JsonObject } from '../ports/json.ts';
import type { Backlog, Job, NewJob } from '../ports/records/jobs.ts';
import type { OutboxEntry } from '../ports/records/outbox.ts';
import { type EnrolmentFields, enrolmentRequest } from './enrol-request.ts';
import { checkBeforeExtraction } from './enrolment-checks.ts';
import type { ImageSource } from './job-image.ts';
import { requireLane, requireRoom } from './lanes.ts';
import { tenantRules } from './tenant-rules.ts';

export interface AcceptedEnrolment {
  readonly job: Job;
  /** The expected waiting time as text for people. */
  readonly estimate: string;
}

const keyPrefix = 'job.';

/** The job of an image file; null: the file belongs to no job. */
export const jobOfImageKey = (key: string): string | null =>
  key.startsWith(keyPrefix) ? key.slice(keyPrefix.length) : null;

/**
 * Accepts an enrolment as a job.
 *
 * [Note: An accepted enrolment is done]
 * First the image becomes durable, then the job and its event in one write; then the client gets the response. From then on a crash
 * delays the job but never loses it: the outbox publishes the event, and the broker delivers the event until the job has finished.
 * Each step may happen twice. Ids are derived from the image, so a repeated step creates no second face, and the first result stays.
 *
 * Errors: VALIDATION_FAILED, CONSENT_REQUIRED, QUOTA_EXCEEDED, PERSON_ERASED, STRATEGY_UNAVAILABLE; BUSY if the lane has too many jobs.
 */
export async function acceptEnrolment(
  fields: EnrolmentFields,
  image: Uint8Array,
  { priority, webhookUrl }: { priority: Priority; webhookUrl: string | null },
  call: CallContext,
  { records, images, extractor, accounts }: Pick<Ports, 'records' | 'images' | 'extractor' | 'accounts'>,
): Promise<AcceptedEnrolment> {
  const { tenant, signal, clock, newId } = call;
  requireLane(priority, call);
  // Wrong fields and a missing consent are reported now, not by the job.
  const request = enrolmentRequest(fields, image, clock.now());
  const digest = createHash('sha256').update(image).digest('hex');
  await checkBeforeExtraction({
    request,
    digest,
    rules: await tenantRules(call, { accounts }),
    call,
    ports: { records },
  });
  const { pack, space } = await extractor.describe(fields.strategy, { signal });
  const backlog = await records.backlog({ signal });
  const last = await requireRoom(1, priority, call, { records });

  const planned = planJob({ jobId: newId(), digest, fields, source: null, pack, space, priority, webhookUrl }, call);
  const { imageKey } = planned.job;
  await images.put(tenant, imageKey, image, { signal });
  const job = await records.createJob(tenant, planned.job, { outbox: planned.outbox }).catch(async (error: unknown) => {
    if (!mayHaveHappened(error)) await images.delete(tenant, imageKey);
    throw error;
  });
  call.metrics.jobsAccepted.inc({ priority });
  return { job, estimate: estimateOf(last, priority, backlog) };
}

/** The expected time until a lane has done so many jobs, as text for people. */
export function estimateOf(jobs: number, priority: Priority, { meanProcessingMs }: Backlog): string {
  return waitingTime(Math.ceil(jobs / tuning.concurrency[priority]) * (meanProcessingMs ?? tuning.assumedMs));
}

/** The input of a job. */
export interface JobPlan {
  readonly jobId: string;
  /** SHA-256 of the image's bytes, hex. */
  readonly digest: string;
  readonly fields: EnrolmentFields;
  /** Location of the image; null: under the job's own key in the images port. */
  readonly source: ImageSource | null;
  /** `pack` and `space` as the extractor describes the requested pack. */
  readonly pack: string;
  readonly space: string;
  readonly priority: Priority;
  readonly webhookUrl?: string | null;
  readonly batchId?: string;
  readonly item?: number;
}

/** Builds a job and the event that starts it. */
export function planJob(
  { jobId, digest, fields, source, pack, space, priority, webhookUrl = null, batchId, item }: JobPlan,
  { tenant, clock, newId, traceparent }: Pick<CallContext, 'tenant' | 'clock' | 'newId' | 'traceparent'>,
): { job: NewJob; outbox: OutboxEntry[] } {
  const faceId = faceIdOf(tenant, digest, space, 0);
  const requested = outboxEntry('freeface.enrollment.requested.v1', {
    id: newId(),
    at: clock.now(),
    tenant,
    key: fields.person_id ?? faceId,
    priority,
    traceparent,
    data: { job_id: jobId, face_id: faceId },
  });
  return {
    job: {
      jobId,
      faceId,
      priority,
      personId: fields.person_id ?? null,
      externalId: fields.external_id ?? null,
      imageKey: `${keyPrefix}${jobId}`,
      // Fixes the current pack: another pack would change the face id.
      request: {
        ...(fields as unknown as JsonObject),
        strategy: pack,
        ...(source === null ? { digest } : { source: { ...source, digest } }),
      },
      webhookUrl,
      batchId: batchId ?? null,
      item: item ?? null,
    },
    outbox: [requested],
  };
}
