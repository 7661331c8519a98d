import type { SavedEnrolment } from '../ports/records/enrolment.ts';
import type { Enrolment } from './enrolment.ts';

/** Removes what an enrolment created. A new person stays if another enrolment has added a face to it. */
export async function takeBack(
  saved: SavedEnrolment,
  { call: { tenant, log }, ports: { records, vectors, images } }: Enrolment,
): Promise<void> {
  for (const { face, created } of saved.faces) {
    if (!created) continue;
    const removed = await records.deleteFace(tenant, face.faceId);
    if (removed?.image != null) await images.delete(tenant, removed.image.blobKey);
  }
  const mine = saved.faces.flatMap(({ face, created }) => (created ? [face.faceId] : []));
  // If this fails, the store probably wrote no templates either. No search returns a template that has no record.
  await vectors
    .remove(tenant, mine)
    .catch((error: unknown) => log.warn({ err: error }, 'templates may be left behind'));
  const personId = saved.faces[0]?.face.personId;
  if (!saved.personCreated || personId == null) return;
  const { items } = await records.listFaces(tenant, { personId }, { limit: 1 });
  // The enrolment's job stays: it is retried.
  if (items.length === 0) await records.deletePerson(tenant, personId, { keepJobs: true });
}
