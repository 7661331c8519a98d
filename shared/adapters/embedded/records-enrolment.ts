import { isSameFace } from '../../domain/same-face.ts';
import { AppError } from '../../errors.ts';
import type { Enrolment, EnrolmentRows } from '../../ports/records/enrolment.ts';
import type { Face, NewFace, NewImage } from '../../ports/records/faces.ts';
import type { NewPerson } from '../../ports/records/persons.ts';
import type { Tenant } from '../../ports/tenant.ts';
import { requireUnfinished } from '../records-conditions.ts';
import type { Database } from './database.ts';
import { getJob } from './records-jobs.ts';
import { insertPerson } from './records-persons.ts';
import { faceRow, imageRow, namedFacesOfOtherSpaces, personExists } from './records-reading.ts';
import { type FaceRow, faceValues, type ImageRow, imageValues, toFace, toImage } from './records-rows.ts';

/** Inside a transaction. See `Records.saveEnrolment`. */
export function saveEnrolment(database: Database, tenant: Tenant, enrolment: Enrolment, now: number): EnrolmentRows {
  const { person, image, jobId } = enrolment;
  if (jobId !== undefined) requireUnfinished(getJob(database, tenant, jobId));

  const personCreated = person !== null && !personExists(database, tenant, person.personId);
  if (personCreated) insertPerson(database, tenant, person, now);
  else if (person !== null) refuseOtherPerson(database, tenant, person);

  const known = imageRow(database, tenant, image.imageId);
  const stored = known ?? insertImage(database, tenant, image, now);
  const faces = enrolment.faces.map((face) => saveFace(database, tenant, face, image.imageId, now));
  return { image: toImage(stored), imageCreated: known === undefined, personCreated, faces };
}

const insertImage = (database: Database, tenant: Tenant, image: NewImage, now: number): ImageRow =>
  database.get<ImageRow>(
    `INSERT INTO images (tenant, image_id, digest, blob_key, content_type, bytes, width, height,
       captured_at, latitude, longitude, accuracy_m, source_id, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`,
    imageValues(tenant, image, now),
  )!;

/** Another request created a person with this id in the meantime. It is the same person unless its external id differs. */
function refuseOtherPerson(database: Database, tenant: Tenant, { personId, externalId }: NewPerson): void {
  const stored = database.get<{ external_id: string | null }>(
    'SELECT external_id FROM persons WHERE tenant = ? AND person_id = ?',
    [tenant, personId],
  );
  if (externalId !== null && stored?.external_id !== externalId) throw new AppError('EXTERNAL_ID_TAKEN');
}

function saveFace(
  database: Database,
  tenant: Tenant,
  face: NewFace,
  imageId: string,
  now: number,
): { face: Face; created: boolean } {
  if (face.personId !== null && !personExists(database, tenant, face.personId)) {
    throw new AppError('PERSON_NOT_FOUND');
  }
  if (face.personId !== null) refuseOtherSpacesPerson(database, tenant, face, imageId);
  const known = faceRow(database, tenant, face.faceId);
  if (known === undefined) return { face: toFace(insertFace(database, tenant, face, imageId, now)), created: true };
  if (face.personId === null || known.person_id === face.personId) return { face: toFace(known), created: false };
  if (known.person_id !== null)
    throw new AppError('FACE_OF_OTHER_PERSON', { details: { face_id: face.faceId, person_id: known.person_id } });
  const joined = database.get<FaceRow>(
    'UPDATE faces SET person_id = ?, similarity = ? WHERE tenant = ? AND face_id = ? RETURNING *',
    [face.personId, face.similarity, tenant, face.faceId],
  )!;
  return { face: toFace(joined), created: false };
}

const insertFace = (database: Database, tenant: Tenant, face: NewFace, imageId: string, now: number): FaceRow =>
  database.get<FaceRow>(
    `INSERT INTO faces (tenant, face_id, person_id, image_id, pack, space, detection,
       captured_at, latitude, longitude, accuracy_m, source_id, similarity, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`,
    faceValues(tenant, face, imageId, now),
  )!;

/** The same face may be enrolled in another space, for another person. */
function refuseOtherSpacesPerson(database: Database, tenant: Tenant, face: NewFace, imageId: string): void {
  const taken = namedFacesOfOtherSpaces(database, tenant, imageId, face.space).find(
    ({ box, personId }) => personId !== face.personId && isSameFace(box, face.box),
  );
  if (taken !== undefined)
    throw new AppError('FACE_OF_OTHER_PERSON', { details: { face_id: taken.faceId, person_id: taken.personId } });
}
