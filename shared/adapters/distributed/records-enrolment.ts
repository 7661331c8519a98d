import { eachOf } from '../../domain/each-of.ts';
import { isSameFace } from '../../domain/same-face.ts';
import { AppError } from '../../errors.ts';
import type { Enrolment, EnrolmentRows } from '../../ports/records/enrolment.ts';
import type { Face, NewFace } from '../../ports/records/faces.ts';
import type { WriteOptions } from '../../ports/records/outbox.ts';
import type { NewPerson } from '../../ports/records/persons.ts';
import { requireUnfinished } from '../records-conditions.ts';
import {
  addFaceToLists,
  addImageToLists,
  atOnce,
  faceRow,
  facesOn,
  type ImageDocument,
  newFaceRow,
  removeFaces,
  toImage,
} from './records-images.ts';
import { getJob } from './records-jobs.ts';
import {
  isTaken,
  livePerson,
  makeVisible,
  newPersonDocument,
  type PersonDocument,
  removeProvisional,
  withExternalId,
} from './records-persons.ts';
import { abandonedMs } from './scylla/claims.ts';
import { outboxOf, type ScyllaStore } from './scylla/store.ts';

/**
 * See `Records.saveEnrolment`.
 *
 * [Note: Enrolments without transactions]
 * The faces of an image are in the partition of the image, and the image's document decides ([Note: One row decides]). So all faces
 * of an enrolment are stored at once or not at all, and the second of two enrolments of one image sees the first. Two conditions depend
 * on other partitions. First, a new person must be created: see [Note: Enrolment of a new person]. Second, the persons of the faces must
 * exist. This is checked before the write, and again when the faces are in the person's list. A deletion first marks the person and then
 * reads the list. So either the deletion finds the face, or the second check finds the deletion and deletes the face again.
 */
export async function saveEnrolment(
  store: ScyllaStore,
  tenant: string,
  enrolment: Enrolment,
  options?: WriteOptions,
): Promise<EnrolmentRows> {
  const { person, image } = enrolment;
  const [personExists, onImage] =
    person === null
      ? ([true, null] as const)
      : await Promise.all([exists(store, tenant, person), facesOn(store.scylla, tenant, image.imageId)]);
  if (person === null || onImage === null || personExists)
    return await saveOnImage(store, tenant, enrolment, { created: false, provisional: false }, options);
  // Check the faces before a person is written for them.
  try {
    for (const face of enrolment.faces) changeOf(face, onImage, image.imageId, 0);
  } catch (error) {
    // Another enrolment with this external id may have stored the person and its faces first. Then report that.
    if (await isTaken(store, tenant, person)) throw new AppError('EXTERNAL_ID_TAKEN');
    throw error;
  }
  options?.signal?.throwIfAborted();
  const done = await store.documents.begin({
    kind: 'enrolment',
    tenant,
    id: image.imageId,
    personId: person.personId,
    externalId: person.externalId,
  });
  const saved = await withExternalId(store, tenant, person.externalId, person.personId, () =>
    saveWithPerson(store, tenant, { ...enrolment, person }, options),
  ).catch(async (error: unknown) => {
    // After STORE_UNAVAILABLE the outcome is unknown. Then the mark stays, and `heal` checks it later.
    if (!(error instanceof AppError) || error.code !== 'STORE_UNAVAILABLE') done();
    throw error;
  });
  done();
  return saved;
}

/** Whether the person exists. Errors: EXTERNAL_ID_TAKEN when it has another external id. */
async function exists(store: ScyllaStore, tenant: string, person: NewPerson): Promise<boolean> {
  const stored = await livePerson(store, tenant, person.personId);
  if (stored === null) return false;
  refuseOtherPerson(person, stored);
  return true;
}

/** A stored person with this id is the wanted one unless its external id differs. */
function refuseOtherPerson({ externalId }: NewPerson, stored: PersonDocument): void {
  if (externalId !== null && stored.externalId !== externalId) throw new AppError('EXTERNAL_ID_TAKEN');
}

async function saveWithPerson(
  store: ScyllaStore,
  tenant: string,
  enrolment: Enrolment & { readonly person: NewPerson },
  options: WriteOptions | undefined,
): Promise<EnrolmentRows> {
  const { person, image } = enrolment;
  const { personId } = person;
  const [at, { imageId }] = [store.now(), image];
  const personCreated = await store.documents.change<PersonDocument, boolean>(
    'persons',
    tenant,
    personId,
    (current) => {
      if (current === null) {
        return { next: { ...newPersonDocument(person, at), provisional: { imageId, at } }, result: true };
      }
      if (current.deletion !== undefined) throw new AppError('PERSON_NOT_FOUND');
      refuseOtherPerson(person, current);
      return { next: undefined, result: false };
    },
    { ...options, absent: true },
  );
  try {
    return await saveOnImage(store, tenant, enrolment, { created: personCreated, provisional: true }, options);
  } catch (error) {
    const isUndecided = error instanceof AppError && error.code === 'STORE_UNAVAILABLE';
    if (personCreated && !isUndecided) await removeProvisional(store, tenant, personId, imageId);
    throw error;
  }
}

async function saveOnImage(
  store: ScyllaStore,
  tenant: string,
  { person, image, faces, jobId }: Enrolment,
  { created: personCreated, provisional }: { readonly created: boolean; readonly provisional: boolean },
  options: WriteOptions | undefined,
): Promise<EnrolmentRows> {
  const { imageId } = image;
  const startedAt = store.now();
  const named = [...new Set(faces.flatMap(({ personId }) => personId ?? []))];
  const others = provisional ? named.filter((personId) => personId !== person?.personId) : named;
  await requirePersons(store, tenant, others);

  const saved = await store.documents.change<ImageDocument, EnrolmentRows>(
    'images',
    tenant,
    imageId,
    async (current) => {
      if (jobId !== undefined) requireUnfinished(await getJob(store, tenant, jobId));
      const at = store.now();
      const stored = current === null ? new Map<string, Face>() : await facesOn(store.scylla, tenant, imageId);
      const changes = faces.map((face) => changeOf(face, stored, imageId, at));
      const isNew = current === null;
      const { imageId: _, ...rest } = image;
      const document: ImageDocument = current ?? { ...rest, createdAt: at, expiredAt: null };
      const isRecent = personCreated && at - startedAt < abandonedMs / 2;
      const createsPerson =
        provisional && person !== null && (isRecent || (await isProvisional(store, tenant, person.personId)));
      const next: ImageDocument = createsPerson
        ? { ...document, born: [...new Set([...(document.born ?? []), person.personId])] }
        : document;
      const changed = changes.filter(({ before, after }) => before !== after);
      const outbox = outboxOf(options);
      const result = {
        image: toImage(imageId, next),
        imageCreated: isNew,
        personCreated,
        faces: changes.map(({ before, after }) => ({ face: after, created: before === null })),
      };
      const isUnchanged = !isNew && changed.length === 0 && outbox.length === 0 && next.born === document.born;
      if (isUnchanged) return { next: undefined, result };
      return {
        next,
        inSameBatch: changed.map(({ after }) => faceRow(tenant, imageId, after)),
        effects: [
          ...(isNew ? addImageToLists(tenant, imageId, next) : []),
          ...changed.flatMap(({ before, after }) => addFaceToLists(tenant, after, before === null)),
          ...outbox,
        ],
        result,
      };
    },
    options,
  );
  const seen = provisional && person !== null && (await makeVisible(store, tenant, person.personId, imageId)) !== null;
  await removeFacesOfDeleted(store, tenant, imageId, seen ? others : named);
  return saved;
}

async function isProvisional({ documents }: ScyllaStore, tenant: string, personId: string): Promise<boolean> {
  return (await documents.get<PersonDocument>('persons', tenant, personId))?.provisional !== undefined;
}

/** The face before and after the enrolment; the same object when nothing changes. Errors: FACE_OF_OTHER_PERSON. */
function changeOf(face: NewFace, stored: ReadonlyMap<string, Face>, imageId: string, at: number) {
  refuseOtherSpacesPerson(face, stored);
  // The id of a face is derived from its image, so only faces of this image are compared.
  const before = stored.get(face.faceId) ?? null;
  if (before === null) return { before, after: newFaceRow(face, imageId, at) };
  if (face.personId === null || before.personId === face.personId) return { before, after: before };
  if (before.personId !== null) {
    throw new AppError('FACE_OF_OTHER_PERSON', { details: { face_id: face.faceId, person_id: before.personId } });
  }
  return { before, after: { ...before, personId: face.personId, similarity: face.similarity } };
}

/** The same face may be enrolled with other networks for another person. Errors: FACE_OF_OTHER_PERSON. */
function refuseOtherSpacesPerson(face: NewFace, stored: ReadonlyMap<string, Face>): void {
  if (face.personId === null) return;
  for (const { faceId, personId, space, box } of stored.values()) {
    if (personId === null || personId === face.personId || space === face.space) continue;
    if (!isSameFace(box, face.box)) continue;
    throw new AppError('FACE_OF_OTHER_PERSON', { details: { face_id: faceId, person_id: personId } });
  }
}

async function requirePersons(store: ScyllaStore, tenant: string, personIds: readonly string[]): Promise<void> {
  const found = await eachOf(personIds, atOnce, (personId) => livePerson(store, tenant, personId));
  if (found.includes(null)) throw new AppError('PERSON_NOT_FOUND');
}

/** Deletes the faces of persons that were deleted in the meantime. Errors: PERSON_NOT_FOUND when there are such persons. */
async function removeFacesOfDeleted(
  store: ScyllaStore,
  tenant: string,
  imageId: string,
  personIds: readonly string[],
): Promise<void> {
  const found = await eachOf(personIds, atOnce, (personId) => livePerson(store, tenant, personId));
  const gone = personIds.filter((_, index) => found[index] === null);
  if (gone.length === 0) return;
  await removeFaces(store, tenant, imageId, ({ personId }) => personId !== null && gone.includes(personId));
  throw new AppError('PERSON_NOT_FOUND');
}
