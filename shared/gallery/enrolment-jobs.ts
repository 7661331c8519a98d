import { createHash } from 'node:crypto';
import { faceIdOf, uploadIdOf } from '../domain/ids.ts';
import type { Priority } from '../domain/priority.ts';
import { systemEntry } from '../domain/system-audit.ts';
import { enrolmentJobs as tuning, waitedOutMs } from '../domain/tuning.ts';
import { waitingTime } from '../domain/waiting-time.ts';
import { AppError, mayHaveHappened, toAppError } from '../errors.ts';
import { eventData, outboxEntry } from '../events/catalogue.ts';
import { breakersOf } from '../function/breaker.ts';
import type { CallContext, EventCall } from '../function/define.ts';
import { isBlameless, requireClosedBreakers, wasNotTried } from '../function/guarded-ports.ts';
import type { Ports } from '../ports/index.ts';
import type { JsonObject } from '../ports/json.ts';
import type { Backlog, Job, NewJob } from '../ports/records/jobs.ts';
import type { OutboxEntry } from '../ports/records/outbox.ts';
import type { Upload } from '../ports/records/uploads.ts';
import { cancelledNotice } from './cancel-job.ts';
import { type EnrolmentPorts, type EnrolmentResult, refuseBeforeLooking } from './enrol.ts';
import {
  type EnrolmentFields,
  enrolmentFields,
  enrolmentRequest,
  enrolOnce,
  presentEnrolment,
} from './enrol-request.ts';
import { type ImageSource, imageOfJob } from './job-image.ts';
import { requireLane, requireRoom } from './lanes.ts';
import { tenantRules } from './tenant-rules.ts';
import { isGone, withdrawUpload } from './withdraw-upload.ts';

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
  requireLane(priority, call);
  // What is wrong with the fields, or refused for want of consent, is told now rather than later.
  const request = enrolmentRequest(fields, image, clock.now());
  const digest = createHash('sha256').update(image).digest('hex');
  await refuseBeforeLooking(request, digest, await tenantRules(call, { accounts }), call, { records });
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

type JobPorts = EnrolmentPorts & Pick<Ports, 'audit' | 'uploads'>;

/**
 * Does the job that an event calls for. Resolves when there is nothing left to do. Errors: what may pass, to be tried again; JOB_FAILED
 * or what made it fail, for the dead letters.
 */
export async function processEnrolment(call: EventCall, ports: JobPorts): Promise<undefined> {
  const { job_id: jobId } = eventData('freeface.enrollment.requested.v1', call.event);
  // Before the attempt is counted.
  requireClosedBreakers(['records', 'images', 'extractor', 'vectors', 'accounts', 'audit'], breakersOf(call));
  const job = await ports.records.startJob(call.tenant, jobId, { signal: call.signal });
  // Erased with its person, or finished so long ago that nobody can ask about it any more.
  if (job === null || job.status === 'completed' || job.status === 'cancelled') return;
  if (job.status === 'failed') throw new AppError('JOB_FAILED');
  const { priority, attempts, createdAt, startedAt } = job;
  if (attempts === 1) call.metrics.jobWaitSeconds.observe({ priority }, (startedAt! - createdAt) / 1000);
  else call.metrics.jobRetries.inc({ priority });
  try {
    // Whatever kills the process kills it again.
    if (job.failures >= tuning.mostAttempts)
      throw new AppError('JOB_FAILED', { message: 'Every attempt was cut short.' });
    await attempt(job, call, ports);
  } catch (thrown) {
    if (await isOver(job, call, ports)) return;
    const error = toAppError(thrown);
    const mayWait = isBlameless(error) && call.clock.now() - createdAt < waitedOutMs;
    const failed = !mayWait && !wasNotTried(error);
    if (!failed || (error.eventStatus === 503 && job.failures + 1 < tuning.mostAttempts)) {
      // Without it the attempt counts as one that was cut short.
      await ports.records.endAttempt(call.tenant, jobId, { failed }).catch(() => undefined);
      throw thrown;
    }
    await giveUp(job, error, call, ports);
    throw error.eventStatus === 422 ? error : new AppError('JOB_FAILED', { cause: error });
  }
}

/** Whether another delivery of the event was faster, or the person was erased. */
async function isOver({ jobId }: Job, { tenant }: EventCall, { records }: Pick<Ports, 'records'>): Promise<boolean> {
  const now = await records.getJob(tenant, jobId).catch(() => undefined);
  return now === null || (now !== undefined && now.finishedAt !== null);
}

async function attempt(job: Job, call: EventCall, ports: JobPorts): Promise<void> {
  const upload = await uploadOf(job, call, ports);
  if (upload !== null && (upload.jobId !== job.jobId || isGone(upload)))
    return withdraw(job, anotherJobsFile, upload, call, ports);
  const image = await imageOfJob(job, call, ports).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'UPLOAD_NOT_FOUND') return error;
    throw error;
  });
  if (image instanceof AppError) return withdraw(job, image, upload, call, ports);
  const fields = enrolmentFields.parse(job.request);
  const request = { ...enrolmentRequest(fields, image, job.createdAt), jobId: job.jobId };
  await complete(job, await enrolOnce(request, job.priority, call, ports), call, ports);
}

const anotherJobsFile = new AppError('UPLOAD_NOT_FOUND', { message: 'Another job has the file by now.' });

/** What is known of the file that a job enrols, where the file made the job; null: it was made otherwise. */
async function uploadOf(
  { request, batchId }: Job,
  { tenant, signal }: EventCall,
  { records }: JobPorts,
): Promise<Upload | null> {
  const source = request?.source as ImageSource | undefined;
  if (source === undefined || !('path' in source) || batchId !== null) return null;
  return records.getUpload(tenant, uploadIdOf(tenant, source.path), { signal });
}

/**
 * Ends the job of a file that is gone or was replaced, as cancelled: there is nothing left to be done, and whoever put the other file
 * gets that one. Also what an earlier attempt may have saved goes. See: [Note: One job for a file]
 */
async function withdraw(
  job: Job,
  { code, message }: AppError,
  upload: Upload | null,
  call: EventCall,
  ports: JobPorts,
): Promise<void> {
  const ended = await ports.records.finishJob(
    call.tenant,
    job.jobId,
    { status: 'cancelled', error: { code, message } },
    { outbox: [cancelledNotice(job, call)] },
  );
  if (ended?.changed === true) countEnd(ended.job, call);
  if (upload !== null && upload.jobId === job.jobId && !isGone(upload)) await withdrawUpload(upload, call, ports);
}

/** Heeds no signal: what is enrolled is told. */
async function complete(
  job: Job,
  result: EnrolmentResult,
  call: EventCall,
  { records, images, audit }: JobPorts,
): Promise<void> {
  const presented = presentEnrolment(result);
  await audit.append(call.tenant, enrolledEntry(job, result, call), { durable: true });
  const data = { job_id: job.jobId, face_id: presented.face_id, person_id: presented.person_id };
  const done = await records.finishJob(
    call.tenant,
    job.jobId,
    { status: 'completed', personId: presented.person_id, result: presented as unknown as JsonObject },
    { outbox: [notice('freeface.enrollment.completed.v1', job, data, call)] },
  );
  // The person was erased meanwhile, and this job with it; or another delivery had ended it otherwise.
  if (done === null || done.job.status !== 'completed') await result.takeBack();
  else if (done.changed) countEnd(done.job, call);
  if (done?.job.status !== 'failed') await images.delete(call.tenant, job.imageKey);
}

/** Who asked stands in the log with the id of the job. A job whose end is delayed by a crash is written down twice. */
function enrolledEntry(job: Job, { faces, imageId }: EnrolmentResult, call: EventCall) {
  const persons = new Set(faces.flatMap(({ face }) => face.personId ?? []));
  const subjects = { persons: [...persons], faces: faces.map(({ face }) => face.faceId), images: [imageId] };
  return systemEntry(`process-enrollment-${job.priority}`, subjects, { details: { job_id: job.jobId } }, call);
}

/** The image stays: whoever replays the dead letter has the job done after all. See: reconcile, discardDeadLetter */
async function giveUp(job: Job, error: AppError, call: EventCall, { records }: EnrolmentPorts): Promise<void> {
  const { code, details } = error;
  const hidden = error.httpStatus >= 500;
  const ended = await records.finishJob(
    call.tenant,
    job.jobId,
    {
      status: 'failed',
      error: {
        code,
        message: hidden ? error.publicMessage : error.message,
        ...(hidden || details === undefined ? {} : { details: details as JsonObject }),
      },
    },
    { outbox: [notice('freeface.enrollment.failed.v1', job, { job_id: job.jobId, face_id: job.faceId, code }, call)] },
  );
  if (ended?.changed === true) countEnd(ended.job, call);
}

function countEnd({ priority, status, startedAt, finishedAt }: Job, { metrics }: EventCall): void {
  metrics.jobsFinished.inc({ priority, status });
  metrics.jobSeconds.observe({ priority }, (finishedAt! - startedAt!) / 1000);
}

const notice = <Type extends 'freeface.enrollment.completed.v1' | 'freeface.enrollment.failed.v1'>(
  type: Type,
  job: Job,
  data: Parameters<typeof outboxEntry<Type>>[1]['data'],
  { tenant, clock, newId, traceparent }: EventCall,
): OutboxEntry =>
  outboxEntry(type, { id: newId(), at: clock.now(), tenant, key: job.personId ?? job.faceId, traceparent, data });
