import { createHash } from 'node:crypto';
import { imageIdOf, uploadIdOf, uploadJobIdOf } from '../domain/ids.ts';
import { type Priority, priorities } from '../domain/priority.ts';
import { externalIdOfPath, isImagePath } from '../domain/uploads.ts';
import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Upload } from '../ports/records/uploads.ts';
import { defaultTenant, type Tenant } from '../ports/tenant.ts';
import type { UploadedFile } from '../ports/uploads.ts';
import { refuseBeforeLooking } from './enrol.ts';
import { type EnrolmentFields, enrolmentFields, enrolmentRequest } from './enrol-request.ts';
import { planJob } from './enrolment-jobs.ts';
import { laneOfFile, requireRoom } from './lanes.ts';
import { tenantRules } from './tenant-rules.ts';
import { endJob, isGone, withdrawUpload } from './withdraw-upload.ts';

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
  // Without a job it was refused: whoever asks again may have changed what stood in the way.
  if (known?.version === file.version && known.jobId !== '') return 'known';
  const read = await ports.uploads
    .read(tenant, path, { most: call.config.maxImageBytes, signal })
    .catch(async (error: unknown) => {
      const seen = unread(uploadId, file, call);
      const before = isFinal(error) ? await makeWay(known, seen, call, ports) : known;
      return refuse(error, tenant, seen, before, ports);
    });
  if (read === null) throw new AppError('BUSY', { message: 'The file went while it was looked at.' });
  return await accept({ uploadId, path, known, priority, ...read }, call, ports);
}

const noTenant = () =>
  new AppError('TENANT_NOT_FOUND', {
    message:
      'No tenant is called as the first folder of the file. In the watched folder a file two folders deep or deeper lies in that of a tenant: {tenant}/{external_id}/name.jpg.',
  });

const coming = 'coming:';

type SeenUpload = Omit<Upload, 'jobId'>;

/** A file that nobody looked into; its image is none. */
const unread = (uploadId: string, { version }: UploadedFile, { tenant, clock }: CallContext): SeenUpload => ({
  uploadId,
  version,
  imageId: imageIdOf(tenant, uploadId),
  at: clock.now(),
});

/** The sweep does not bring back what was refused for good; its dead letter does. Throws the error. */
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

interface FoundUpload {
  readonly uploadId: string;
  readonly path: string;
  readonly known: Upload | null;
  readonly priority: Priority;
  readonly file: UploadedFile;
  readonly bytes: Uint8Array;
}

async function accept(
  { uploadId, path, known, priority, file, bytes }: FoundUpload,
  call: CallContext,
  ports: IngestPorts,
): Promise<Ingested> {
  const { tenant, signal, clock } = call;
  const digest = createHash('sha256').update(bytes).digest('hex');
  const seen = { uploadId, version: file.version, imageId: imageIdOf(tenant, digest), at: clock.now() };
  const before = await makeWay(known, seen, call, ports);
  try {
    const fields = fieldsOf(path, file.metadata);
    const request = enrolmentRequest(fields, bytes, clock.now());
    await refuseBeforeLooking(request, digest, await tenantRules(call, ports), call, ports);
    const lane = laneOfFile(priorityOf(file.metadata) ?? priority, call);
    const { pack, space } = await ports.extractor.describe(fields.strategy, { signal });
    await requireRoom(1, lane, call, ports);
    const isBegun = before !== null && isComing(before, seen);
    const jobId = isBegun ? before.jobId : uploadJobIdOf(uploadId, `${comesAfter(before)}/${file.version}`);
    const announced = { ...seen, version: coming + file.version, jobId };
    if (!isBegun) await ports.records.saveUpload(tenant, announced, { over: before, signal });
    const { job, outbox } = planJob({ jobId, digest, fields, source: { path }, pack, space, priority: lane }, call);
    await ports.records.createJob(tenant, job, { outbox, signal });
    call.metrics.jobsAccepted.inc({ priority: lane });
    // From here on the caller's patience no longer counts.
    await ports.records.saveUpload(tenant, { ...seen, jobId }, { over: announced });
    return 'enrolled';
  } catch (error) {
    return refuse(error, tenant, seen, before, ports);
  }
}

/** Whether the same was begun before, and cut off. */
const isComing = ({ version, imageId }: Upload, seen: SeenUpload): boolean =>
  version === coming + seen.version && imageId === seen.imageId;

/** Another text whenever another job was there before. */
const comesAfter = (before: Upload | null): string =>
  before === null ? '' : `${before.version}/${before.jobId}/${before.at}`;

/** See: [Note: A schema is compiled once] */
const strictFields = enrolmentFields.strict();

/** What a path and an object's metadata say. Errors: VALIDATION_FAILED. */
function fieldsOf(path: string, metadata: UploadedFile['metadata']): EnrolmentFields {
  const given = (name: string) => decoded(metadata[name]);
  const [lat, lon] = [given('latitude'), given('longitude')].map((text) =>
    text === undefined ? undefined : Number(text),
  );
  const personId = given('person-id');
  const externalId = given('external-id') ?? (personId === undefined ? externalIdOfPath(path) : undefined);
  const named = personId !== undefined || externalId !== undefined;
  const parsed = strictFields.safeParse({
    person_id: personId,
    external_id: externalId,
    captured_at: given('captured-at'),
    ...(lat === undefined && lon === undefined ? {} : { location: { lat, lon } }),
    source_id: given('source-id'),
    // A photo of nobody in particular may show several people.
    processing_options: { auto_associate: !named, enable_multi_face: !named },
  });
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map(({ path: at, message }) => ({ field: at.join('.'), issue: message }));
  throw new AppError('VALIDATION_FAILED', {
    message: `The file cannot be enrolled: ${details[0]?.field} ${details[0]?.issue}.`,
    details,
  });
}

const priorityOf = (metadata: UploadedFile['metadata']): Priority | undefined =>
  priorities.find((each) => each === metadata.priority);

/** Headers hold ASCII alone; clients write the rest percent-encoded, or as RFC 2047 has it, which the S3 protocol does. */
function decoded(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const plain = text.replace(/=\?utf-8\?(?:b\?([^?]*)|q\?([^?]*))\?=\s*/gi, (_, base64?: string, quoted?: string) =>
    base64 === undefined
      ? Buffer.from(
          quoted!
            .replaceAll('_', ' ')
            .replace(/=([0-9a-f]{2})/gi, (__, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
          'latin1',
        ).toString()
      : Buffer.from(base64, 'base64').toString(),
  );
  try {
    return decodeURIComponent(plain).normalize('NFC');
  } catch {
    return plain.normalize('NFC');
  }
}

/** A file is gone: what it brought goes too. Errors: BUSY while its job is under way; VERSION_CONFLICT. */
export async function forgetUpload(known: Upload, call: CallContext, ports: IngestPorts): Promise<Ingested> {
  const { erased } = await withdrawUpload(known, call, ports);
  return erased ? 'erased' : 'known';
}

/**
 * What another image brought under the same path goes before its name does; the job for the same image, as when a file was touched, is
 * over. Resolves to what is known then. Errors: as forgetUpload.
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
