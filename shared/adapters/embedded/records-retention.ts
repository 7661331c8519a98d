import type { Face, Image } from '../../ports/records/faces.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { Database } from './database.ts';
import { imageRow } from './records-reading.ts';
import { type FaceRow, type ImageRow, toFace, toImage } from './records-rows.ts';

/** See `Records.imagesBefore`. The statement names its index, because the index by age also contains expired images. */
export const imagesBefore = (database: Database, tenant: Tenant, before: number, limit: number): Image[] =>
  database
    .all<ImageRow>(
      `SELECT * FROM images INDEXED BY images_unexpired
       WHERE tenant = ? AND expired_at IS NULL AND created_at < ? ORDER BY created_at, image_id LIMIT ?`,
      [tenant, before, limit],
    )
    .map(toImage);

/** See `Records.unknownFacesBefore`. */
export const unknownFacesBefore = (database: Database, tenant: Tenant, before: number, limit: number): Face[] =>
  database
    .all<FaceRow>(
      `SELECT * FROM faces INDEXED BY faces_by_person
       WHERE tenant = ? AND person_id IS NULL AND created_at < ? ORDER BY created_at, face_id LIMIT ?`,
      [tenant, before, limit],
    )
    .map(toFace);

/** Inside a transaction. See `Records.expireImage`. */
export function expireImage(database: Database, tenant: Tenant, imageId: string, now: number): Image | null {
  const row = imageRow(database, tenant, imageId);
  if (row === undefined || row.expired_at !== null) return null;
  database.run('UPDATE images SET expired_at = ?, bytes = 0 WHERE tenant = ? AND image_id = ?', [now, tenant, imageId]);
  return toImage(row);
}
