import type { Face, Image } from '../../ports/records/faces.ts';
import type { Job } from '../../ports/records/jobs.ts';
import type { Person } from '../../ports/records/persons.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { Database } from './database.ts';
import { deleteJobsOf } from './records-jobs.ts';
import { faceRow, personRow } from './records-reading.ts';
import { type ImageRow, toFace, toImage, toPerson } from './records-rows.ts';

/** Rows per statement: a few milliseconds each. */
const step = 200;

/** Inside a transaction. See `Records.deleteFace`. */
export function deleteFace(
  database: Database,
  tenant: Tenant,
  faceId: string,
): { face: Face; image: Image | null } | null {
  const row = faceRow(database, tenant, faceId);
  if (row === undefined) return null;
  database.run('DELETE FROM faces WHERE tenant = ? AND face_id = ?', [tenant, faceId]);
  return { face: toFace(row), image: deleteImagesWithoutFaces(database, tenant, [row.image_id])[0] ?? null };
}

/**
 * One transaction in short steps; nothing else may use the writer until it settles. `beforeCommit` adds writes to the transaction.
 * See: [Note: One writer, one reader]
 */
export async function deletePerson(
  database: Database,
  tenant: Tenant,
  personId: string,
  beforeCommit: () => void,
  { signal, keepJobs = false }: { signal?: AbortSignal | undefined; keepJobs?: boolean } = {},
): Promise<{ person: Person; faceIds: string[]; images: Image[]; jobs: Job[] } | null> {
  const row = personRow(database, tenant, personId);
  if (row === undefined) return null;

  return database.transactionInSteps(async () => {
    const faces = database.all<{ face_id: string; image_id: string }>(
      'SELECT face_id, image_id FROM faces WHERE tenant = ? AND person_id = ? ORDER BY created_at, face_id',
      [tenant, personId],
    );
    const faceIds = faces.map((face) => face.face_id);
    for (const ids of inSteps(faceIds)) {
      database.run('DELETE FROM faces WHERE tenant = ? AND face_id IN (SELECT value FROM json_each(?))', [
        tenant,
        JSON.stringify(ids),
      ]);
      await pause(signal);
    }
    const images: Image[] = [];
    for (const ids of inSteps([...new Set(faces.map((face) => face.image_id))])) {
      images.push(...deleteImagesWithoutFaces(database, tenant, ids));
      await pause(signal);
    }
    const person = toPerson(row);
    const jobs = keepJobs ? [] : deleteJobsOf(database, tenant, person);
    database.run('DELETE FROM persons WHERE tenant = ? AND person_id = ?', [tenant, personId]);
    beforeCommit();
    return { person, faceIds, images, jobs };
  });
}

function deleteImagesWithoutFaces(database: Database, tenant: Tenant, imageIds: readonly string[]): Image[] {
  return database
    .all<ImageRow>(
      `DELETE FROM images WHERE tenant = ?1 AND image_id IN (SELECT value FROM json_each(?2))
         AND NOT EXISTS (SELECT 1 FROM faces WHERE faces.tenant = ?1 AND faces.image_id = images.image_id)
       RETURNING *`,
      [tenant, JSON.stringify(imageIds)],
    )
    .map(toImage);
}

function* inSteps<T>(items: readonly T[]): Generator<T[]> {
  for (let from = 0; from < items.length; from += step) yield items.slice(from, from + step);
}

/** Lets other work of the process run. */
async function pause(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}
