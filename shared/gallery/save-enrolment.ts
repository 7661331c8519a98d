import type { CaptureTime } from '../domain/capture-time.ts';
import { imageIdOf } from '../domain/ids.ts';
import { outboxEntry } from '../events/catalogue.ts';
import type { CallContext } from '../function/define.ts';
import type { Extraction } from '../ports/extractor.ts';
import type { SavedEnrolment } from '../ports/records/enrolment.ts';
import type { NewFace } from '../ports/records/faces.ts';
import type { OutboxEntry } from '../ports/records/outbox.ts';
import type { AcceptedFace, Enrolment } from './enrolment.ts';
import type { ResolvedPerson } from './resolve-person.ts';

/** Writes the records of an enrolment, with their events, after its image file is durable. */
export async function saveEnrolment(
  {
    extraction: { image },
    captured,
    person,
    accepted,
  }: {
    readonly extraction: Extraction;
    readonly captured: CaptureTime;
    readonly person: ResolvedPerson | null;
    readonly accepted: readonly AcceptedFace[];
  },
  { request, digest, blob, call, ports }: Enrolment,
): Promise<SavedEnrolment> {
  const { tenant } = call;
  const imageId = imageIdOf(tenant, digest);
  const blobKey = blob.key;
  const written = await blob.written();
  const capturedAt = captured.at;
  const location = request.location ?? image.location;
  const faces = accepted.map(({ face }) => ({ ...face, capturedAt, location }));
  const { contentType, width, height } = image;
  const saved = await ports.records.saveEnrolment(
    tenant,
    {
      person: person?.create ?? null,
      image: {
        imageId,
        digest,
        blobKey,
        contentType,
        bytes: request.image.length,
        width,
        height,
        capturedAt,
        location,
        sourceId: request.sourceId,
      },
      faces,
      jobId: request.jobId,
    },
    { outbox: notices(faces, imageId, person, call) },
  );
  // The image's record was created or deleted after the check in `blob`. So the record has another file, or none.
  if (written && !saved.imageCreated) await blob.takeBack();
  if (!written && saved.imageCreated) await ports.images.put(tenant, blobKey, request.image);
  return saved;
}

function notices(
  faces: readonly NewFace[],
  imageId: string,
  person: ResolvedPerson | null,
  { tenant, traceparent, clock, newId }: CallContext,
): OutboxEntry[] {
  const common = { at: clock.now(), tenant, traceparent };
  const created = person?.create
    ? [
        outboxEntry('freeface.person.created.v1', {
          ...common,
          id: newId(),
          key: person.personId,
          data: { person_id: person.personId },
        }),
      ]
    : [];
  const enrolled = faces.map(({ faceId, personId }) =>
    outboxEntry('freeface.face.enrolled.v1', {
      ...common,
      id: newId(),
      key: personId ?? faceId,
      data: { face_id: faceId, person_id: personId, image_id: imageId },
    }),
  );
  return [...created, ...enrolled];
}
