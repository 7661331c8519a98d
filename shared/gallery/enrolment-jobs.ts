import { createHash } from 'node:crypto';
import { faceIdOf } from '../domain/ids.ts';
import type { Priority } from '../domain/priority.ts';
import { enrolmentJobs as tuning } from '../domain/tuning.ts';
import { waitingTime } from '../domain/waiting-time.ts';
import { AppError, mayHaveHappened } from '../errors.ts';
import { outboxEntry } from '../events/catalogue.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Backlog, Job, JsonObject, NewJob, OutboxEntry } from '../ports/records.ts';
import { type EnrolmentFields, enrolmentRequest } from './enrol-request.ts';
import { refuseBeforeLooking } from './enrolment-checks.ts';
import type { ImageSource } from './job-image.ts';
import { tenantRules } from './tenant-rules.ts';

export interface AcceptedEnrolment {
  readonly job: Job;
  /** When it will be done, for people. */
  readonly estimate: string;
}

const keyPrefix = 'job.';

/** The job that an image file belongs to; null: it is no job's. */
export const jobOfImageKey = (key: string): string | null =>
  key.startsWith(keyPrefix) ? key.slice(keyPrefix.length) : null;

/**
 * Accepts an enrolment to be done later.
 *
 * [Note: An accepted enrolment is done]
 * The image is durable first, then the job together with the event that calls for it; only then is the client answered. From
 * there on a crash delays and loses nothing: the outbox publishes the event, the broker delivers it until somebody has finished
 * the job. Each step may happen twice. The ids follow from the image, so twice makes one face, and the first outcome stays.
 *
 * Errors: VALIDATION_FAILED, CONSENT_REQUIRED, QUOTA_EXCEEDED, STRATEGY_UNAVAILABLE; BUSY when the lane is too long.
 */
export async function acceptEnrolment(
  fields: EnrolmentFields,
  image: Uint8Array,
  { priority, webhookUrl }: { priority: Priority; webhookUrl: string | null },
  call: CallContext,
  { records, images, extractor, accounts }: Pick<Ports, 'records' | 'images' | 'extractor' | 'accounts'>,
): Promise<AcceptedEnrolment> {
  const { tenant, signal, clock, newId } = call;
  // What is wrong with the fields, or refused for want of consent, is told now rather than later.
  const request = enrolmentRequest(fields, image, clock.now());
  const digest = createHash('sha256').update(image).digest('hex');
  await refuseBeforeLooking({
    request,
    digest,
    rules: await tenantRules(call, { accounts }),
    call,
    ports: { records },
  });
  const { pack, space } = await extractor.describe(fields.strategy, { signal });
  const backlog = await records.backlog({ signal });
  const ahead = backlog.jobs[priority];
  if (ahead >= tuning.mostWaiting) throw new AppError('BUSY', { retryAfter: 60 });

  const planned = planJob({ jobId: newId(), digest, fields, source: null, pack, space, priority, webhookUrl }, call);
  const { imageKey } = planned.job;
  await images.put(tenant, imageKey, image, { signal });
  const job = await records.createJob(tenant, planned.job, { outbox: planned.outbox }).catch(async (error: unknown) => {
    if (!mayHaveHappened(error)) await images.delete(tenant, imageKey);
    throw error;
  });
  call.metrics.jobsAccepted.inc({ priority });
  return { job, estimate: estimateOf(ahead + 1, priority, backlog) };
}

/** When the last of so many jobs of a lane will be done, for people. */
export function estimateOf(jobs: number, priority: Priority, { meanProcessingMs }: Backlog): string {
  return waitingTime(Math.ceil(jobs / tuning.concurrency[priority]) * (meanProcessingMs ?? tuning.assumedMs));
}

/** Whatever a job is made of. */
export interface JobPlan {
  readonly jobId: string;
  /** SHA-256 of the image's bytes, hex. */
  readonly digest: string;
  readonly fields: EnrolmentFields;
  /** Where the image lies; null: under the job's own key in the images port. */
  readonly source: ImageSource | null;
  /** As the extractor describes the pack that the fields ask for. */
  readonly pack: string;
  readonly space: string;
  readonly priority: Priority;
  readonly webhookUrl?: string | null;
  readonly batchId?: string;
  readonly item?: number;
}

/** A job, and the event that calls for it. */
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
      // With today's pack: another one would give the face another id.
      request: {
        ...(fields as unknown as JsonObject),
        strategy: pack,
        ...(source === null ? {} : { source: { ...source, digest } }),
      },
      webhookUrl,
      batchId: batchId ?? null,
      item: item ?? null,
    },
    outbox: [requested],
  };
}
