import type { Page, PageOptions } from '../../ports/pages.ts';
import type { Upload } from '../../ports/records/uploads.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { PageTokens } from '../page-token.ts';
import { requireUpload } from '../records-conditions.ts';
import type { Database } from './database.ts';
import { page } from './records-reading.ts';

interface UploadRow {
  upload_id: string;
  version: string;
  job_id: string;
  image_id: string;
  at: number;
}

export function getUpload(database: Database, tenant: Tenant, uploadId: string): Upload | null {
  const row = database.get<UploadRow>('SELECT * FROM uploads WHERE tenant = ? AND upload_id = ?', [tenant, uploadId]);
  return row === undefined ? null : toUpload(row);
}

/** Inside a transaction. */
export function saveUpload(database: Database, tenant: Tenant, upload: Upload, over?: Upload | null): void {
  const { uploadId, version, jobId, imageId, at } = upload;
  if (over !== undefined) requireUpload(getUpload(database, tenant, uploadId), over, upload);
  database.run(
    'INSERT OR REPLACE INTO uploads (tenant, upload_id, version, job_id, image_id, at) VALUES (?, ?, ?, ?, ?, ?)',
    [tenant, uploadId, version, jobId, imageId, at],
  );
}

/** Inside a transaction. */
export const deleteUpload = (database: Database, tenant: Tenant, uploadId: string): boolean =>
  database.run('DELETE FROM uploads WHERE tenant = ? AND upload_id = ?', [tenant, uploadId]).changes > 0;

export const listUploads = (
  database: Database,
  tokens: PageTokens,
  tenant: Tenant,
  { imageId }: { readonly imageId?: string | undefined },
  options: PageOptions,
): Page<Upload> =>
  page<UploadRow, Upload>(database, tokens, options, {
    listing: JSON.stringify(['uploads', tenant, imageId ?? null]),
    select: 'SELECT * FROM uploads',
    where: `tenant = ?${imageId === undefined ? '' : ' AND image_id = ?'}`,
    values: [tenant, ...(imageId === undefined ? [] : [imageId])],
    order: 'ASC',
    by: 'at',
    id: 'upload_id',
    toItem: toUpload,
  });

const toUpload = (row: UploadRow): Upload => ({
  uploadId: row.upload_id,
  version: row.version,
  jobId: row.job_id,
  imageId: row.image_id,
  at: row.at,
});
