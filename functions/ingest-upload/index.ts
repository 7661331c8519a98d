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
 * Enrols a file that was put into the bucket or the watched folder, and erases what one that is gone has brought.
 *
 * [Note: A letter for each file of a notification]
 * What a bucket says carries no tenant, and one message may name files of several. Given up as it is, it would be a letter of `default`,
 * which would show one tenant's files to another. So a file of it that is refused for good gets a letter of its own here, as if there
 * had been a notice of that file alone. Its id follows from the message: one that comes again makes no second letter. What may pass is
 * tried again with the whole message.
 */
export default defineFunction(
  {
    name: 'ingest-upload',
    summary: 'Enrol or erase what changed in the bucket or the watched folder',
    trigger: {
      kind: 'event',
      type: ['freeface.upload.changed.v1', 'dev.knative.kafka.event'],
      topic: 'freeface.uploads',
      // A lane that is full takes hours to empty.
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
    const passing: AppError[] = [];
    for (const place of placesOf(call)) {
      // One file that cannot be enrolled does not keep the others of the message from it.
      await ingestOne(place).catch(async (thrown: unknown) => {
        const error = toAppError(thrown);
        if (error.eventStatus === 503) passing.push(error);
        else await keepLetter(place, error, call, ports);
      });
    }
    if (passing[0] !== undefined) throw passing[0];
    return undefined;

    async function ingestOne({ tenant: owner, path }: UploadPlace): Promise<void> {
      const lane = priorities.find((each) => each === event.priority) ?? 'normal';
      const outcome = await ingestUpload(path, lane, { ...call, tenant: asTenant(owner) }, ports);
      call.log.debug({ outcome }, 'file seen to');
    }
  },
);

/** Errors: VALIDATION_FAILED. */
function placesOf({ event, bytes }: EventCall): UploadPlace[] {
  const places = uploadsOfNotification(bytes ?? event.data ?? decoded(event.data_base64));
  if (places === null)
    throw new AppError('VALIDATION_FAILED', { message: 'The message is no notification of a bucket.' });
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
  // See: [Note: Files of no tenant]
  const owner = error.code === 'TENANT_NOT_FOUND' ? defaultTenant : asTenant(tenant);
  await records.saveDeadLetter(owner, storedDeadLetter(letter, clock.now()));
  log.warn({ code: error.code, err: error.cause ?? error }, 'a file of a notification was refused, dead letter kept');
}

const decoded = (base64: unknown): Uint8Array | undefined =>
  typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined;
