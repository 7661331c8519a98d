import { AppError } from '../errors.ts';
import { outboxEntry } from '../events/catalogue.ts';
import type { Ports } from '../ports/index.ts';
import type { Image } from '../ports/records.ts';
import type { CallContext } from '../runtime/define.ts';
import { raiseEpoch } from './epoch.ts';

type ErasurePorts = Pick<Ports, 'records' | 'vectors' | 'images' | 'cache'>;

export interface Erased {
  readonly faces: number;
  readonly vectors: number;
  readonly images: number;
}

/**
 * Erases a person: vectors first, so that a search finds nothing from then on, then records, then images that nobody else is
 * on; then reads back from every store. Errors: PERSON_NOT_FOUND; INTERNAL when something is still there.
 */
export async function erasePerson(personId: string, call: CallContext, ports: ErasurePorts): Promise<Erased> {
  const { tenant, signal } = call;
  const [person] = await ports.records.getPersons(tenant, [personId], { signal });
  if (person === undefined) throw new AppError('PERSON_NOT_FOUND');
  const faceIds = await faceIdsOf(personId, call, ports);
  const vectors = await ports.vectors.remove(tenant, faceIds, { signal });
  const removed = await ports.records.deletePerson(tenant, personId, {
    outbox: [notice(personId, faceIds.length, call)],
  });
  if (removed === null) throw new AppError('PERSON_NOT_FOUND');
  return finish(removed.faceIds, removed.images, vectors, call, ports);
}

/** Erases one face in the same way. Errors: FACE_NOT_FOUND; INTERNAL when something is still there. */
export async function eraseFace(faceId: string, call: CallContext, ports: ErasurePorts): Promise<Erased> {
  const { tenant, signal, clock, newId, traceparent } = call;
  const [face] = await ports.records.getFaces(tenant, [faceId], { signal });
  if (face === undefined) throw new AppError('FACE_NOT_FOUND');
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
  return finish([faceId], removed.image === null ? [] : [removed.image], vectors, call, ports);
}

/** From here on the caller's patience no longer counts: what is begun is finished. */
async function finish(
  faceIds: readonly string[],
  images: readonly Image[],
  vectors: number,
  call: CallContext,
  ports: ErasurePorts,
): Promise<Erased> {
  const { tenant } = call;
  await raiseEpoch(ports.cache, tenant);
  // Faces that were enrolled while their person was being erased.
  const late = await ports.vectors.remove(tenant, faceIds);
  // One that fails does not keep the others: reconcile-gallery removes it, and this call says that it is still there.
  const deletions = await Promise.allSettled(images.map(({ blobKey }) => ports.images.delete(tenant, blobKey)));
  const failed = deletions.find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  await readBack(faceIds, images, call, ports);
  return { faces: faceIds.length, vectors: vectors + late, images: images.length };
}

async function readBack(
  faceIds: readonly string[],
  images: readonly Image[],
  { tenant }: CallContext,
  ports: ErasurePorts,
): Promise<void> {
  for (let start = 0; start < faceIds.length; start += 1000) {
    const left = await ports.records.getFaces(tenant, faceIds.slice(start, start + 1000));
    if (left.length > 0)
      throw new AppError('INTERNAL', { cause: new Error(`${left.length} faces are still recorded after erasure`) });
  }
  for (const { blobKey } of images) {
    if ((await ports.images.get(tenant, blobKey)) !== null)
      throw new AppError('INTERNAL', { cause: new Error(`image ${blobKey} is still stored after erasure`) });
  }
}

async function faceIdsOf(
  personId: string,
  { tenant, signal }: CallContext,
  { records }: ErasurePorts,
): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await records.listFaces(tenant, { personId }, { limit: 1000, after, signal });
    ids.push(...page.items.map(({ faceId }) => faceId));
    after = page.next ?? undefined;
  } while (after !== undefined);
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
