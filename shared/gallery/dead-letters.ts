import { deadLetterIdOf } from '../domain/ids.ts';
import { AppError, toAppError } from '../errors.ts';
import { eventData, topicOf } from '../events/catalogue.ts';
import type { CallContext } from '../function/define.ts';
import { readDeadLetter } from '../ports/dead-letter-event.ts';
import type { Event } from '../ports/events.ts';
import type { Ports } from '../ports/index.ts';
import type { StoredDeadLetter } from '../ports/records/dead-letters.ts';
import { imageOfJob } from './job-image.ts';

/** Builds the stored dead letter from an event of the dead-letter topic. A repeated failure of one event in one group has the same id. */
export function storedDeadLetter(given: Event, now: number): StoredDeadLetter {
  const { event, failure } = readDeadLetter(given);
  const { topic, group, status, reason, attempts, at } = failure;
  return {
    deadLetterId: deadLetterIdOf(`${event.source}#${event.id}`, group ?? ''),
    event,
    type: event.type,
    topic,
    group,
    status,
    reason,
    attempts,
    at: at ?? now,
  };
}

/**
 * Publishes the event of a dead letter again, and deletes the letter in the same write. If the event's job failed, the job is first
 * queued again as if it had never started. If the process dies in between, the letter still exists and can be replayed again.
 * Errors: DEAD_LETTER_FINAL if the job or its image no longer exists, or the event belongs to no topic.
 */
export async function replayDeadLetter(
  { deadLetterId, event, topic: named }: StoredDeadLetter,
  call: Pick<CallContext, 'tenant' | 'signal' | 'config' | 'log'>,
  ports: Pick<Ports, 'records' | 'images' | 'uploads'>,
): Promise<void> {
  const { tenant, signal, log } = call;
  const { records } = ports;
  const topic = topicOf(event) ?? named;
  if (topic === null) throw new AppError('DEAD_LETTER_FINAL', { message: 'The event belongs to no topic.' });
  if (event.type === 'freeface.enrollment.requested.v1') {
    const { job_id: jobId } = eventData('freeface.enrollment.requested.v1', event);
    const job = await records.getJob(tenant, jobId, { signal });
    if (job === null) throw new AppError('DEAD_LETTER_FINAL', { message: 'The job of the event no longer exists.' });
    if (job.status === 'failed') {
      await imageOfJob(job, call, ports).catch((error: unknown) => {
        if (toAppError(error).eventStatus === 503) throw error;
        throw new AppError('DEAD_LETTER_FINAL', {
          message: "The image of the event's job no longer exists.",
          cause: error,
        });
      });
      await records.requeueJob(tenant, jobId, { signal });
    }
  }
  await records.removeDeadLetter(tenant, deadLetterId, { outbox: [{ topic, event }], signal });
  log.info({ dead_letter_id: deadLetterId, event_id: event.id, event_type: event.type }, 'dead letter replayed');
}

/** Deletes a dead letter, and the image of its failed job. */
export async function discardDeadLetter(
  { deadLetterId, event }: StoredDeadLetter,
  { tenant, signal }: Pick<CallContext, 'tenant' | 'signal'>,
  { records, images }: Pick<Ports, 'records' | 'images'>,
): Promise<void> {
  if (event.type === 'freeface.enrollment.requested.v1') {
    const { job_id: jobId } = eventData('freeface.enrollment.requested.v1', event);
    const job = await records.getJob(tenant, jobId, { signal });
    if (job?.status === 'failed') await images.delete(tenant, job.imageKey, { signal });
  }
  await records.removeDeadLetter(tenant, deadLetterId, { signal });
}
