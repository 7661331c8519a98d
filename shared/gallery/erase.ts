import { AppError } from '../errors.ts';
import { outboxEntry } from '../events/catalogue.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import { itemsOf } from '../ports/pages.ts';
import type { Image } from '../ports/records/faces.ts';
import type { Job } from '../ports/records/jobs.ts';
import type { Person } from '../ports/records/persons.ts';

type ErasurePorts = Pick<Ports, 'records' | 'vectors' | 'images'>;

export interface Erased {
  readonly faces: number;
  readonly vectors: number;
  readonly images: number;
  /** Enrolments that were accepted and not forgotten yet; none where a single face is erased. */
  readonly jobs: number;
  readonly faceIds: readonly string[];
  readonly imageIds: readonly string[];
  /** Whose the faces were. */
  readonly personId: string | null;
}

/**
 * Erases a person: vectors first, so that a search finds nothing from then on, then records with the jobs that name the person,
 * then images that nobody else is on; then reads back from every store. Events on their way hold ids alone, and what they are
 * about is not found any more. Errors: PERSON_NOT_FOUND; INTERNAL when something is still there.
 */
export async function erasePerson(personId: string, call: CallContext, ports: ErasurePorts): Promise<Erased> {
  const { tenant, signal } = call;
  const [person] = await ports.records.getPersons(tenant, [personId], { signal });
  if (person === undefined) throw new AppError('PERSON_NOT_FOUND');
  const { epoch } = await ports.records.galleryEpoch(tenant, { signal });
  const faceIds = await faceIdsOf(personId, call, ports);
  const vectors = await ports.vectors.remove(tenant, faceIds, { signal });
  const removed = await ports.records.deletePerson(tenant, personId, {
    outbox: [notice(personId, faceIds.length, call)],
  });
  if (removed === null) throw new AppError('PERSON_NOT_FOUND');
  return finish({ ...removed, vectors, epoch }, call, ports);
}

/** Erases one face in the same way. Errors: FACE_NOT_FOUND; INTERNAL when something is still there. */
export async function eraseFace(faceId: string, call: CallContext, ports: ErasurePorts): Promise<Erased> {
  const { tenant, signal, clock, newId, traceparent } = call;
  const [face] = await ports.records.getFaces(tenant, [faceId], { signal });
  if (face === undefined) throw new AppError('FACE_NOT_FOUND');
  const { epoch } = await ports.records.galleryEpoch(tenant, { signal });
  const vectors = await ports.vectors.remove(tenant, [faceId], { signal });
  const entry = outboxEntry('freeface.face.erased.v1', {
    id: newId(),
    at: clock.now(),
    tenant,
    traceparent,
    key: face.personId ?? faceId,
    data: { face_id: faceId, person_id: face.personId, image_id: face.imageId },
  });
  const removed = await ports.records.deleteFace(tenant, faceId, { outbox: [entry] });
  if (removed === null) throw new AppError('FACE_NOT_FOUND');
  const images = removed.image === null ? [] : [removed.image];
  return finish(
    { person: null, faceIds: [faceId], images, jobs: [], vectors, epoch },
    call,
    ports,
    removed.face.personId,
  );
}

interface Removed {
  /** null: only a face was erased. */
  readonly person: Person | null;
  readonly faceIds: readonly string[];
  readonly images: readonly Image[];
  readonly jobs: readonly Job[];
  readonly vectors: number;
  /** Of the gallery before. */
  readonly epoch: string;
}

/** From here on the caller's patience no longer counts: what is begun is finished. */
async function finish(
  removed: Removed,
  call: CallContext,
  ports: ErasurePorts,
  personId = removed.person?.personId ?? null,
): Promise<Erased> {
  const { tenant } = call;
  const { faceIds, images, jobs } = removed;
  // Faces that were enrolled while their person was being erased.
  const late = await ports.vectors.remove(tenant, faceIds);
  // One that fails does not keep the others: reconcile-gallery removes it, and this call says that it is still there.
  const keys = [...images.map(({ blobKey }) => blobKey), ...jobs.map(({ imageKey }) => imageKey)];
  const deletions = await Promise.allSettled(keys.map((key) => ports.images.delete(tenant, key)));
  const failed = deletions.find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  await readBack(removed, keys, call, ports);
  call.metrics.erasures.inc({ what: removed.person === null ? 'face' : 'person' });
  call.metrics.erasedFaces.inc(faceIds.length);
  call.metrics.erasedImages.inc(images.length);
  return {
    faces: faceIds.length,
    vectors: removed.vectors + late,
    images: images.length,
    jobs: jobs.length,
    faceIds,
    imageIds: images.map(({ imageId }) => imageId),
    personId,
  };
}

/** Errors: INTERNAL, with what is still there as its cause. Somebody new of the same id is somebody else. */
async function readBack(
  { person, faceIds, jobs, epoch }: Removed,
  keys: readonly string[],
  { tenant }: CallContext,
  { records, vectors, images }: ErasurePorts,
): Promise<void> {
  const still = (what: string) => new AppError('INTERNAL', { cause: new Error(`${what} still there after erasure`) });
  const [again] = person === null ? [] : await records.getPersons(tenant, [person.personId]);
  if (again !== undefined && again.createdAt === person?.createdAt) throw still('the person is');
  for (let start = 0; start < faceIds.length; start += 1000) {
    const left = await records.getFaces(tenant, faceIds.slice(start, start + 1000));
    if (left.length > 0) throw still(`${left.length} faces are`);
  }
  if ((await vectors.remove(tenant, faceIds)) > 0) throw still('templates were');
  for (const { jobId } of jobs) if ((await records.getJob(tenant, jobId)) !== null) throw still(`job ${jobId} is`);
  for (const key of keys) if ((await images.get(tenant, key)) !== null) throw still(`image ${key} is`);
  if ((await records.galleryEpoch(tenant)).epoch === epoch) throw still('cached answers are');
}

async function faceIdsOf(
  personId: string,
  { tenant, signal }: CallContext,
  { records }: ErasurePorts,
): Promise<string[]> {
  const ids: string[] = [];
  const faces = itemsOf((page) => records.listFaces(tenant, { personId }, { ...page, limit: 1000, signal }));
  for await (const { faceId } of faces) ids.push(faceId);
  return ids;
}

const notice = (personId: string, faces: number, { tenant, clock, newId, traceparent }: CallContext) =>
  outboxEntry('freeface.person.erased.v1', {
    id: newId(),
    at: clock.now(),
    tenant,
    traceparent,
    key: personId,
    data: { person_id: personId, faces },
  });
