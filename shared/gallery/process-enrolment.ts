import { presentErrorDetails } from '../api/errors.ts';
import { uploadIdOf } from '../domain/ids.ts';
import { systemEntry } from '../domain/system-audit.ts';
import { enrolmentJobs as tuning, waitedOutMs } from '../domain/tuning.ts';
import { AppError, toAppError } from '../errors.ts';
import { eventData, outboxEntry } from '../events/catalogue.ts';
import type { EventCall } from '../function/define.ts';
import { isBlameless, wasNotTried } from '../function/guarded-ports.ts';
import type { Ports } from '../ports/index.ts';
import type { JsonObject } from '../ports/json.ts';
import type { Job } from '../ports/records/jobs.ts';
import type { OutboxEntry } from '../ports/records/outbox.ts';
import type { Upload } from '../ports/records/uploads.ts';
import { cancelledNotice } from './cancel-job.ts';
import { enrolmentFields, enrolmentRequest, enrolOnce, presentEnrolment } from './enrol-request.ts';
import type { EnrolmentPorts, EnrolmentResult } from './enrolment.ts';
import { type ImageSource, imageOfJob } from './job-image.ts';
import { isGone } from './upload-marks.ts';
import { withdrawUpload } from './withdraw-upload.ts';

type JobPorts = EnrolmentPorts & Pick<Ports, 'audit' | 'uploads'>;

/**
 * Does the enrolment job of an event. Resolves if the job is done or was already finished. Errors: temporary errors, for a retry;
 * JOB_FAILED or the cause of the failure, for the dead letters.
 */
export async function processEnrolment(call: EventCall, ports: JobPorts): Promise<undefined> {
  const { job_id: jobId } = eventData('freeface.enrollment.requested.v1', call.event);
  const job = await ports.records.startJob(call.tenant, jobId, { signal: call.signal });
  // null: the job was erased with its person, or its retention period has ended.
  if (job === null || job.status === 'completed' || job.status === 'cancelled') return;
  if (job.status === 'failed') throw new AppError('JOB_FAILED');
  const { priority, attempts, createdAt, startedAt } = job;
  if (attempts === 1) call.metrics.jobWaitSeconds.observe({ priority }, (startedAt! - createdAt) / 1000);
  else call.metrics.jobRetries.inc({ priority });
  try {
    // All attempts are used, and none reported its end. The photo may crash the process, so it is not tried again.
    if (job.failures >= tuning.mostAttempts)
      throw new AppError('JOB_FAILED', { message: 'Every attempt was interrupted.' });
    await attempt(job, call, ports);
  } catch (thrown) {
    if (await isOver(job, call, ports)) return;
    const error = toAppError(thrown);
    const mayWait = isBlameless(error) && call.clock.now() - createdAt < waitedOutMs;
    const failed = !mayWait && !wasNotTried(error);
    if (!failed || (error.eventStatus === 503 && job.failures + 1 < tuning.mostAttempts)) {
      // If this write fails, the attempt counts as interrupted.
      await ports.records.endAttempt(call.tenant, jobId, { failed }).catch(() => undefined);
      throw thrown;
    }
    await giveUp(job, error, call, ports);
    throw error.eventStatus === 422 ? error : new AppError('JOB_FAILED', { cause: error });
  }
}

/** Whether another delivery of the event finished the job, or the job was erased with its person. */
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

const anotherJobsFile = new AppError('UPLOAD_NOT_FOUND', { message: 'The file now belongs to another job.' });

/** The record of the file that created the job; null: the job has another origin. */
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
 * Ends the job of a deleted or replaced file as cancelled: a new file has its own job. Also removes faces that an earlier attempt may
 * have saved. See: [Note: One job for a file]
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

/** Ignores abort: saved faces must complete their job. */
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
  // The person was erased meanwhile, together with this job; or another delivery ended the job in another way.
  if (done === null || done.job.status !== 'completed') await result.takeBack();
  else if (done.changed) countEnd(done.job, call);
  if (done?.job.status !== 'failed') await images.delete(call.tenant, job.imageKey);
}

/** The entry of the request already names the caller and the job id. If a crash delays the end of a job, the job is logged twice. */
function enrolledEntry(job: Job, { faces, imageId }: EnrolmentResult, call: EventCall) {
  const persons = new Set(faces.flatMap(({ face }) => face.personId ?? []));
  const subjects = { persons: [...persons], faces: faces.map(({ face }) => face.faceId), images: [imageId] };
  return systemEntry(`process-enrollment-${job.priority}`, subjects, { details: { job_id: job.jobId } }, call);
}

/** Ends the job as failed. Keeps the image, because a replay of the dead letter runs the job again. See: reconcile, discardDeadLetter */
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
        ...(hidden || details === undefined ? {} : { details: presentErrorDetails(details) as JsonObject }),
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
