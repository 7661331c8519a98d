import { uploadIdOf } from '../domain/ids.ts';
import { isImagePath } from '../domain/uploads.ts';
import { AppError } from '../errors.ts';
import { changedNotice } from '../events/changed-notice.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import { itemsOf } from '../ports/pages.ts';
import type { Upload, UploadRecords } from '../ports/records/uploads.ts';
import { defaultTenant, type Tenant } from '../ports/tenant.ts';
import { isGone } from './upload-marks.ts';

export interface ReconciledUploads {
  /** Number of files whose last change was not known. */
  found: number;
  /** Number of files whose deletion was not known. */
  missed: number;
}

/**
 * Compares the bucket or the watched folder with the known files, and publishes a notice for each file that differs. Calls `erase` for
 * each deleted file: the record of a file has no path, so a notice cannot name it. See: [Note: Files without a tenant]
 */
export async function reconcileUploads(
  call: CallContext,
  { records, uploads, events, accounts }: Pick<Ports, 'records' | 'uploads' | 'events' | 'accounts'>,
  erase: (tenant: Tenant, gone: Upload) => Promise<void>,
): Promise<ReconciledUploads> {
  const outcome = { found: 0, missed: 0 };
  if (!uploads.enabled) return outcome;
  const { signal } = call;
  const known = new Map<Tenant, Map<string, Upload>>();
  for (const tenant of await records.tenants({ signal })) known.set(tenant, await knownOf(tenant, call, records));
  const owners = new Map<Tenant, Tenant>();
  let strays = 0;
  for await (const { tenant, path, version } of uploads.files({ signal })) {
    if (!isImagePath(path)) continue;
    const owner = owners.get(tenant) ?? (await ownerOf(tenant));
    if (owner !== tenant) strays += 1;
    const uploadId = uploadIdOf(tenant, path);
    const upload = known.get(owner)?.get(uploadId);
    known.get(owner)?.delete(uploadId);
    if (version === null || upload?.version === version) continue;
    const { topic, event } = changedNotice(tenant, path, call, 'low');
    await events.publish(topic, [event], { signal });
    outcome.found += 1;
  }
  if (strays > 0) call.log.warn({ files: strays }, 'files are in folders of tenants that do not exist');
  for (const [tenant, left] of known) {
    for (const upload of left.values()) {
      if (isGone(upload)) continue;
      // If the file's job is running, or another process handles the file, the next run tries again.
      await erase(tenant, upload).then(
        () => {
          outcome.missed += 1;
        },
        (error: unknown) => {
          if (!(error instanceof AppError && ['BUSY', 'VERSION_CONFLICT'].includes(error.code))) throw error;
        },
      );
    }
  }
  return outcome;

  /** The tenant that stores the records of a tenant's files. `records.tenants` leaves out a tenant that has only refused files. */
  async function ownerOf(tenant: Tenant): Promise<Tenant> {
    const owner = (await accounts.getTenant(tenant, { signal })) === null ? defaultTenant : tenant;
    if (!known.has(owner)) known.set(owner, await knownOf(owner, call, records));
    owners.set(tenant, owner);
    return owner;
  }
}

async function knownOf(tenant: Tenant, { signal }: CallContext, records: UploadRecords): Promise<Map<string, Upload>> {
  const known = new Map<string, Upload>();
  const uploads = itemsOf((page) => records.listUploads(tenant, {}, { ...page, limit: 1000, signal }));
  for await (const upload of uploads) known.set(upload.uploadId, upload);
  return known;
}
