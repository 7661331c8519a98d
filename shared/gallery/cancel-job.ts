import { outboxEntry } from '../events/catalogue.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Job } from '../ports/records/jobs.ts';
import type { OutboxEntry } from '../ports/records/outbox.ts';

/** Cancels a job that has not started, and deletes its image. Resolves to the job, cancelled or not; null if the job does not exist. */
export async function cancelQueued(
  job: Job,
  call: CallContext,
  { records, images }: Pick<Ports, 'records' | 'images'>,
): Promise<Job | null> {
  const { tenant, metrics } = call;
  const cancelled = await records.cancelJob(tenant, job.jobId, { outbox: [cancelledNotice(job, call)] });
  if (cancelled === null) return null;
  if (cancelled.changed) metrics.jobsFinished.inc({ priority: cancelled.job.priority, status: 'cancelled' });
  if (cancelled.job.status === 'cancelled') await images.delete(tenant, job.imageKey);
  return cancelled.job;
}

/** The event for a job that ended without an enrolment. */
export const cancelledNotice = (
  { jobId, faceId, personId }: Job,
  { tenant, clock, newId, traceparent }: CallContext,
): OutboxEntry =>
  outboxEntry('freeface.enrollment.cancelled.v1', {
    id: newId(),
    at: clock.now(),
    tenant,
    key: personId ?? faceId,
    traceparent,
    data: { job_id: jobId, face_id: faceId },
  });
