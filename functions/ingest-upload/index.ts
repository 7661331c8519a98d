import { type Priority, priorities } from '../../shared/domain/priority.ts';
import type { UploadPlace } from '../../shared/domain/uploads.ts';
import { AppError, toAppError } from '../../shared/errors.ts';
import { uploadsOfNotification } from '../../shared/events/bucket-notification.ts';
import { eventData } from '../../shared/events/catalogue.ts';
import { ingestUpload } from '../../shared/gallery/ingest-upload.ts';
import { asTenant } from '../../shared/ports/tenant.ts';
import { defineFunction, type EventCall } from '../../shared/runtime/define.ts';
import { sizes } from '../../shared/runtime/sizes.ts';

/** Enrols a file that was put into the bucket or the watched folder, and erases what one that is gone has brought. */
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
    const { priority } = call.event;
    const lane = priorities.find((each) => each === priority) ?? 'normal';
    const failures: AppError[] = [];
    for (const place of placesOf(call)) {
      // One file that cannot be enrolled does not keep the others of the message from it.
      await ingestOne(place, lane).catch((error: unknown) => failures.push(toAppError(error)));
    }
    const failure = failures.find(({ eventStatus }) => eventStatus === 503) ?? failures[0];
    if (failure !== undefined) throw failure;
    return undefined;

    async function ingestOne({ tenant, path }: UploadPlace, at: Priority): Promise<void> {
      const outcome = await ingestUpload(path, at, { ...call, tenant: asTenant(tenant) }, ports);
      call.log.debug({ outcome }, 'file seen to');
    }
  },
);

function placesOf({ event, bytes, tenant }: EventCall): UploadPlace[] {
  if (event.type === 'freeface.upload.changed.v1')
    return [{ tenant, path: eventData('freeface.upload.changed.v1', event).path }];
  const places = uploadsOfNotification(bytes ?? event.data ?? decoded(event.data_base64));
  if (places === null)
    throw new AppError('VALIDATION_FAILED', { message: 'The message is no notification of a bucket.' });
  return places;
}

const decoded = (base64: unknown): Uint8Array | undefined =>
  typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined;
