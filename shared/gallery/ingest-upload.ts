import { createHash } from 'node:crypto';
import { imageIdOf, uploadIdOf } from '../domain/ids.ts';
import type { Priority } from '../domain/priority.ts';
import { isImagePath } from '../domain/uploads.ts';
import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Upload } from '../ports/records.ts';
import { defaultTenant, type Tenant } from '../ports/tenant.ts';
import type { UploadedFile } from '../ports/uploads.ts';
import { createUploadJob, type ReadUpload } from './create-upload-job.ts';
import { isComing, isGone, type SeenUpload } from './upload-marks.ts';
import { endJob, withdrawUpload } from './withdraw-upload.ts';

export type IngestPorts = Pick<
  Ports,
  'records' | 'vectors' | 'images' | 'extractor' | 'accounts' | 'audit' | 'uploads'
>;

/** What became of a file. */
export type Ingested = 'enrolled' | 'erased' | 'known' | 'ignored';

/**
 * Makes the gallery follow one file of the bucket or the watched folder.
 *
 * [Note: What is there counts]
 * Notifications come late, twice, out of order, or not at all. So they say no more than where to look: the file as it is now is
 * held against what is known of it. Ten notifications of one file, of a delete that came before its put, or of a version that was
 * replaced meanwhile, all end with the same gallery, and the sweep that looks for lost ones does nothing else.
 *
 * A file that is gone leaves a mark of when, so that the same file put again is another job; so does one whose image was replaced,
 * before the new one is looked at. One whose person was erased stays known: nobody comes back because a sweep went by.
 *
 * [Note: One job for a file]
 * Whoever sees to a file says first which job it is going to have (`coming`), then makes that, then says that it is made. So whatever
 * a crash cuts off, no face of a file comes from a job that nobody knows of. Each of these steps is made over what was read before,
 * and of two who see to one file at once one begins again. What is known of a file passes to another job only when the one before it is
 * over, and a job that is over saves nothing any more; a job that finds another in its place, or another file, ends as cancelled.
 *
 * [Note: Files of no tenant]
 * The first of several folders names a tenant. Where there is none of that name the file is refused, and `default` keeps the letter
 * and remembers the refusal, since nobody else could look at it. Once there is such a tenant, the next sweep enrols the file there.
 *
 * Errors: those of acceptEnrolment; BUSY while the job of a deleted or replaced file is under way; VERSION_CONFLICT when somebody else
 * saw to the file meanwhile.
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
  // A file without a job was refused. The reason may be gone, so it is tried again.
  if (known?.version === file.version && known.jobId !== '') return 'known';
  const found = await read(path, unread(uploadId, file, call), known, call, ports);
  return await accept({ path, priority, ...found }, known, call, ports);
}

const noTenant = () =>
  new AppError('TENANT_NOT_FOUND', {
    message:
      'No tenant is called as the first folder of the file. In the watched folder a file two folders deep or deeper lies in that of a tenant: {tenant}/{external_id}/name.jpg.',
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
      const before = isFinal(error) ? await makeWay(known, seen, call, ports) : known;
      return refuse(error, tenant, seen, before, ports);
    });
  if (found === null) throw new AppError('BUSY', { message: 'The file went while it was looked at.' });
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
  const before = await makeWay(known, seen, call, ports);
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
 * image, for example a touched file: ends the old job. Resolves to what is known of the file afterwards. Errors: as forgetUpload.
 */
async function makeWay(
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
