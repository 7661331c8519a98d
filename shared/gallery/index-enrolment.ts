import { AppError } from '../errors.ts';
import type { SavedEnrolment } from '../ports/records/enrolment.ts';
import type { AcceptedFace, Enrolment } from './enrolment.ts';
import { takeBack } from './take-back.ts';

/**
 * Writes the templates of saved faces. The next search finds them. If the write fails, removes everything that this request created.
 * Ignores abort: saved faces must be indexed or removed. Errors: PERSON_NOT_FOUND if this request's face was erased meanwhile.
 */
export async function indexEnrolment(
  saved: SavedEnrolment,
  accepted: readonly AcceptedFace[],
  work: Enrolment,
): Promise<void> {
  const {
    pack,
    call: { tenant },
    ports: { records, vectors },
  } = work;
  const entries = saved.faces.map(({ face }, i) => ({
    faceId: face.faceId,
    personId: face.personId,
    imageId: face.imageId,
    embedding: accepted[i]!.embedding,
    capturedAt: face.capturedAt,
    location: face.location,
  }));
  try {
    await vectors.upsert(tenant, pack, entries);
  } catch (error) {
    await takeBack(await withoutIndexed(saved, work), work);
    throw error;
  }
  const ids = entries.map(({ faceId }) => faceId);
  const [faces] = await Promise.all([records.getFaces(tenant, ids), records.raiseEpoch(tenant), saved.durable]);
  const present = new Set(faces.map(({ faceId }) => faceId));
  const erased = ids.filter((id) => !present.has(id));
  if (erased.length === 0) return;
  await vectors.remove(tenant, erased);
  throw erasedMeanwhile(saved, erased);
}

/** Leaves out faces that already have a template: another enrolment of the photo stored it, or ours did before it failed. */
async function withoutIndexed(
  saved: SavedEnrolment,
  { pack, call: { tenant }, ports: { vectors } }: Enrolment,
): Promise<SavedEnrolment> {
  const ids = saved.faces.map(({ face }) => face.faceId);
  const found = await vectors.get(tenant, pack, ids).catch(() => []);
  const indexed = new Set(found.map(({ faceId }) => faceId));
  return { ...saved, faces: saved.faces.filter(({ face }) => !indexed.has(face.faceId)) };
}

function erasedMeanwhile(saved: SavedEnrolment, erased: readonly string[]): AppError {
  const isMine = saved.faces.some(({ face, created }) => created && erased.includes(face.faceId));
  if (isMine)
    return new AppError('PERSON_NOT_FOUND', { message: 'The person or face was erased while it was being enrolled.' });
  // Another enrolment of the same photo created the face, failed and removed it; or the face was erased. A retry enrols it.
  return new AppError('STORE_UNAVAILABLE', { message: 'Another enrolment of the same photo failed meanwhile.' });
}
