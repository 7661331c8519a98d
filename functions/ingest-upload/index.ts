import { uploadIdOf, uploadNoticeIdOf } from '../../shared/domain/ids.ts';
import { priorities } from '../../shared/domain/priority.ts';
import type { UploadPlace } from '../../shared/domain/uploads.ts';
import { AppError, toAppError } from '../../shared/errors.ts';
import { uploadsOfNotification } from '../../shared/events/bucket-notification.ts';
import { eventData } from '../../shared/events/catalogue.ts';
import { changedNotice } from '../../shared/events/changed-notice.ts';
import { defineFunction, type EventCall } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { storedDeadLetter } from '../../shared/gallery/dead-letters.ts';
import { ingestUpload } from '../../shared/gallery/ingest-upload.ts';
import { deadLetterEvent } from '../../shared/ports/dead-letter-event.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { asTenant, defaultTenant } from '../../shared/ports/tenant.ts';

/**
 * Enrols a new or changed file of the bucket or the watched folder. Erases the faces of a file that is gone.
 *
 * [Note: One dead letter for each file]
 * A bucket notification names no tenant, and one message can name files of several tenants. A dead letter for the whole message would
 * belong to `default` and would show the file names of one tenant to another. So this function stores one dead letter for each file
 * that is rejected for good, as if the message named only this file. The id of the dead letter is derived from the message, so the
 * same message creates it only once. After a temporary error, the broker delivers the whole message again.
 */
export default defineFunction(
  {
    name: 'ingest-upload',
    summary: 'Apply file changes in the bucket or the watched folder to the gallery',
    trigger: {
      kind: 'event',
      type: ['freeface.upload.changed.v1', 'dev.knative.kafka.event'],
      topic: 'freeface.uploads',
      // A full job queue needs hours to empty, so the retries cover hours.
      delivery: { retry: 2000, backoff: 'linear', backoffDelayMs: 15_000, timeoutMs: 120_000 },
    },
    uses: ['records', 'vectors', 'images', 'extractor', 'accounts', 'audit', 'uploads'],
    emits: ['freeface.enrollment.requested.v1', 'freeface.enrollment.cancelled.v1', 'freeface.face.erased.v1'],
    ...sizes.image,
    concurrency: 4,
  },
  async (call, ports) => {
    const { event, tenant } = call;
    if (event.type === 'freeface.upload.changed.v1') {
      await ingestOne({ tenant, path: eventData('freeface.upload.changed.v1', event).path });
      return undefined;
    }
    const temporary: AppError[] = [];
    for (const place of placesOf(call)) {
      // An error on one file must not stop the other files of the message.
      await ingestOne(place).catch(async (thrown: unknown) => {
        const error = toAppError(thrown);
        if (error.eventStatus === 503) temporary.push(error);
        else await keepLetter(place, error, call, ports);
      });
    }
    if (temporary[0] !== undefined) throw temporary[0];
    return undefined;

    async function ingestOne({ tenant: owner, path }: UploadPlace): Promise<void> {
      const priority = priorities.find((each) => each === event.priority) ?? 'normal';
      const outcome = await ingestUpload(path, priority, { ...call, tenant: asTenant(owner) }, ports);
      call.log.debug({ outcome }, 'file processed');
    }
  },
);

/** Errors: VALIDATION_FAILED. */
function placesOf({ event, bytes }: EventCall): UploadPlace[] {
  const places = uploadsOfNotification(bytes ?? event.data ?? decoded(event.data_base64));
  if (places === null)
    throw new AppError('VALIDATION_FAILED', { message: 'The message is not a bucket notification.' });
  return places;
}

async function keepLetter(
  { tenant, path }: UploadPlace,
  error: AppError,
  { event, clock, traceparent, log }: EventCall,
  { records }: Pick<Ports, 'records'>,
): Promise<void> {
  const newId = () => uploadNoticeIdOf(`${event.source}#${event.id}`, uploadIdOf(tenant, path));
  const notice = changedNotice(asTenant(tenant), path, { newId, clock, traceparent });
  const letter = deadLetterEvent(notice.event, {
    topic: notice.topic,
    group: 'ingest-upload',
    status: error.eventStatus,
    reason: error.code,
    attempts: 1,
    at: clock.now(),
  });
  // See: [Note: Files without a tenant]
  const owner = error.code === 'TENANT_NOT_FOUND' ? defaultTenant : asTenant(tenant);
  await records.saveDeadLetter(owner, storedDeadLetter(letter, clock.now()));
  log.warn(
    { code: error.code, err: error.cause ?? error },
    'rejected a file of a bucket notification and stored a dead letter',
  );
}

const decoded = (base64: unknown): Uint8Array | undefined =>
  typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined;
