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
  /** Number of enrolment jobs that were removed; 0 when a single face is erased. */
  readonly jobs: number;
  readonly faceIds: readonly string[];
  readonly imageIds: readonly string[];
  /** The person of the faces; null: none. */
  readonly personId: string | null;
}

/**
 * Erases a person. Order: vectors, so that searches find nothing from then on; records, with the jobs that name the person; images that
 * show no other person. Then reads back from every store. Events in transit contain only ids, which no longer resolve.
 * Errors: PERSON_NOT_FOUND; INTERNAL if a store still has data.
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

/** Erases one face in the same way. Errors: FACE_NOT_FOUND; INTERNAL if a store still has data. */
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
  /** null: a single face was erased, not a person. */
  readonly person: Person | null;
  readonly faceIds: readonly string[];
  readonly images: readonly Image[];
  readonly jobs: readonly Job[];
  readonly vectors: number;
  /** Epoch of the gallery before the erasure. */
  readonly epoch: string;
}

/** Ignores abort: an erasure that has started must complete. */
async function finish(
  removed: Removed,
  call: CallContext,
  ports: ErasurePorts,
  personId = removed.person?.personId ?? null,
): Promise<Erased> {
  const { tenant } = call;
  const { faceIds, images, jobs } = removed;
  // Templates that were written while the person was being erased.
  const late = await ports.vectors.remove(tenant, faceIds);
  // If one deletion fails, the others still run. This call then fails, and reconcile-gallery deletes the file.
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

/** Errors: INTERNAL; its cause names the data that a store still has. A new person with the same id does not count. */
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
