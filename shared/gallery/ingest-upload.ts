import { createHash } from 'node:crypto';
import { imageIdOf, uploadIdOf } from '../domain/ids.ts';
import type { Priority } from '../domain/priority.ts';
import { isImagePath } from '../domain/uploads.ts';
import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Upload } from '../ports/records/uploads.ts';
import { defaultTenant, type Tenant } from '../ports/tenant.ts';
import type { UploadedFile } from '../ports/uploads.ts';
import { createUploadJob, type ReadUpload } from './create-upload-job.ts';
import { isComing, isGone, type SeenUpload } from './upload-marks.ts';
import { endJob, withdrawUpload } from './withdraw-upload.ts';

export type IngestPorts = Pick<
  Ports,
  'records' | 'vectors' | 'images' | 'extractor' | 'accounts' | 'audit' | 'uploads'
>;

/** The outcome for a file. `known`: nothing had to be done. `ignored`: the name is not that of an image. */
export type Ingested = 'enrolled' | 'erased' | 'known' | 'ignored';

/**
 * Makes the gallery follow one file of the bucket or the watched folder.
 *
 * [Note: The current file counts]
 * Notifications come late, twice, out of order, or not at all. So a notification only names a file; its kind is ignored. The current
 * file is compared with the stored record of the file. The result is the same for ten notifications of one file, for a delete that
 * arrives before its put, and for a version that was replaced meanwhile. The sweep for lost notifications does the same.
 *
 * A deleted file leaves a record with the time, so that the same file, uploaded again, gets a new job. A file with a new image leaves
 * such a record too, before the new image is examined. If the person of a file was erased, the file's record stays, so that a sweep
 * does not enrol the person again.
 *
 * [Note: One job for a file]
 * The steps are: record the planned job id (`coming`), create the job, mark the job as created. So after a crash at any step, every
 * job that saves faces of a file is recorded. Each step requires that the record is unchanged since it was read; if two processes
 * handle one file at once, one of them starts again. A file's record passes to another job only when the job before it has finished,
 * and a finished job saves nothing. If a job finds that its file has another job or has changed, the job ends as cancelled.
 *
 * [Note: Files without a tenant]
 * If a path has several folders, the first one names a tenant. If that tenant does not exist, the file is refused. The tenant `default`
 * stores the dead letter and the record of the refusal, because there is no other tenant to read them. Once the tenant exists, the
 * next sweep enrols the file there.
 *
 * Errors: those of acceptEnrolment; BUSY while the job of a deleted or replaced file is running; VERSION_CONFLICT if another process
 * handles the file at the same time.
 */
export async function ingestUpload(
  path: string,
  priority: Priority,
  call: CallContext,
  ports: IngestPorts,
): Promise<Ingested> {
  const { tenant, signal } = call;
  if (!isImagePath(path)) return 'ignored';
  const uploadId = uploadIdOf(tenant, path);
  const isOfTenant = (await ports.accounts.getTenant(tenant, { signal })) !== null;
  const known = await ports.records.getUpload(isOfTenant ? tenant : defaultTenant, uploadId, { signal });
  const file = await ports.uploads.find(tenant, path, { signal });
  if (!isOfTenant)
    return file === null ? 'known' : refuse(noTenant(), defaultTenant, unread(uploadId, file, call), known, ports);
  if (file === null) return known === null || isGone(known) ? 'known' : forgetUpload(known, call, ports);
  // A file without a job was refused. The reason may no longer apply, so it is tried again.
  if (known?.version === file.version && known.jobId !== '') return 'known';
  const found = await read(path, unread(uploadId, file, call), known, call, ports);
  return await accept({ path, priority, ...found }, known, call, ports);
}

const noTenant = () =>
  new AppError('TENANT_NOT_FOUND', {
    message:
      'The first folder of the file is not the name of a tenant. In the watched folder, a file two or more folders deep belongs to a tenant: {tenant}/{external_id}/name.jpg. Create the tenant or move the file.',
  });

/** A file whose contents were not read. Its image id belongs to no image. */
const unread = (uploadId: string, { version }: UploadedFile, { tenant, clock }: CallContext): SeenUpload => ({
  uploadId,
  version,
  imageId: imageIdOf(tenant, uploadId),
  at: clock.now(),
});

/** Errors: those of the uploads port; BUSY if the file was deleted meanwhile. */
async function read(path: string, seen: SeenUpload, known: Upload | null, call: CallContext, ports: IngestPorts) {
  const { tenant, signal, config } = call;
  const found = await ports.uploads
    .read(tenant, path, { most: config.maxImageBytes, signal })
    .catch(async (error: unknown) => {
      const before = isFinal(error) ? await endPrevious(known, seen, call, ports) : known;
      return refuse(error, tenant, seen, before, ports);
    });
  if (found === null) throw new AppError('BUSY', { message: 'The file was deleted while it was read.' });
  return found;
}

async function accept(
  found: Omit<ReadUpload, 'digest'>,
  known: Upload | null,
  call: CallContext,
  ports: IngestPorts,
): Promise<Ingested> {
  const { tenant, clock } = call;
  const digest = createHash('sha256').update(found.bytes).digest('hex');
  const seen = {
    uploadId: uploadIdOf(tenant, found.path),
    version: found.file.version,
    imageId: imageIdOf(tenant, digest),
    at: clock.now(),
  };
  const before = await endPrevious(known, seen, call, ports);
  try {
    await createUploadJob({ ...found, digest }, { seen, before }, call, ports);
    return 'enrolled';
  } catch (error) {
    return refuse(error, tenant, seen, before, ports);
  }
}

/** Throws the error. If it is final, records the refusal, so that the sweep does not retry the file; its dead letter can be replayed. */
async function refuse(
  error: unknown,
  owner: Tenant,
  seen: SeenUpload,
  over: Upload | null,
  { records }: IngestPorts,
): Promise<never> {
  if (isFinal(error)) await records.saveUpload(owner, { ...seen, jobId: '' }, { over });
  throw error;
}

const isFinal = (error: unknown): boolean => error instanceof AppError && error.eventStatus === 422;

/** Removes the faces of a file that was deleted. Errors: BUSY while its job is running; VERSION_CONFLICT. */
export async function forgetUpload(known: Upload, call: CallContext, ports: IngestPorts): Promise<Ingested> {
  const { erased } = await withdrawUpload(known, call, ports);
  return erased ? 'erased' : 'known';
}

/**
 * Prepares a path for a new version of its file. Another image: removes the faces of the old one before its record is replaced. The same
 * image, for example a touched file: ends the old job. Resolves to the record of the file afterwards. Errors: as forgetUpload.
 */
async function endPrevious(
  known: Upload | null,
  seen: SeenUpload,
  call: CallContext,
  ports: IngestPorts,
): Promise<Upload | null> {
  if (known === null || isGone(known) || isComing(known, seen)) return known;
  if (known.imageId !== seen.imageId) return (await withdrawUpload(known, call, ports)).left;
  await endJob(known, call, ports);
  return known;
}
