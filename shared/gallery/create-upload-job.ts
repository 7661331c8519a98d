import { uploadJobIdOf } from '../domain/ids.ts';
import type { Priority } from '../domain/priority.ts';
import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Upload } from '../ports/records/uploads.ts';
import type { UploadedFile } from '../ports/uploads.ts';
import { enrolmentRequest } from './enrol-request.ts';
import { checkBeforeExtraction } from './enrolment-checks.ts';
import { planJob } from './enrolment-jobs.ts';
import { laneOfFile, requireRoom } from './lanes.ts';
import { tenantRules } from './tenant-rules.ts';
import { uploadFields, uploadPriority } from './upload-fields.ts';
import { asComing, isComing, type SeenUpload } from './upload-marks.ts';

/** A file whose contents were read. */
export interface ReadUpload {
  readonly path: string;
  /** Used if the file's metadata names no priority. */
  readonly priority: Priority;
  readonly file: UploadedFile;
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, hex. */
  readonly digest: string;
}

/**
 * Creates the enrolment job of a file. See: [Note: One job for a file]. Errors: ERASED if the photo was erased; those of acceptEnrolment.
 *
 * @param before the current record of the file; null: none
 */
export async function createUploadJob(
  { path, priority, file, bytes, digest }: ReadUpload,
  { seen, before }: { readonly seen: SeenUpload; readonly before: Upload | null },
  call: CallContext,
  ports: Pick<Ports, 'records' | 'extractor' | 'accounts'>,
): Promise<void> {
  const { tenant, signal, clock } = call;
  const { records, extractor } = ports;
  // See: [Note: Erased is erased]. The job checks this again when it saves.
  if (await records.isContentErased(tenant, digest, { signal })) throw new AppError('ERASED');
  const fields = uploadFields(path, file.metadata);
  const request = enrolmentRequest(fields, bytes, clock.now());
  await checkBeforeExtraction({ request, digest, rules: await tenantRules(call, ports), call, ports });
  const lane = laneOfFile(uploadPriority(file.metadata) ?? priority, call);
  const { pack, space } = await extractor.describe(fields.strategy, { signal });
  await requireRoom(1, lane, call, ports);
  const announced = await announce(seen, before, call, ports);
  const { jobId } = announced;
  const { job, outbox } = planJob({ jobId, digest, fields, source: { path }, pack, space, priority: lane }, call);
  await records.createJob(tenant, job, { outbox, signal });
  call.metrics.jobsAccepted.inc({ priority: lane });
  // No abort signal: the job exists, so the mark must be replaced.
  await records.saveUpload(tenant, { ...seen, jobId }, { over: announced });
}

/** Records the id of the job that will be created. Uses the recorded id if a crash stopped an earlier try. Errors: VERSION_CONFLICT. */
async function announce(
  seen: SeenUpload,
  before: Upload | null,
  { tenant, signal }: CallContext,
  { records }: Pick<Ports, 'records'>,
): Promise<Upload> {
  if (before !== null && isComing(before, seen)) return asComing(seen, before.jobId);
  const jobId = uploadJobIdOf(seen.uploadId, `${textOf(before)}/${seen.version}`);
  const announced = asComing(seen, jobId);
  await records.saveUpload(tenant, announced, { over: before, signal });
  return announced;
}

/** A text that differs for each earlier job, so that a new job gets a new id. */
const textOf = (before: Upload | null): string =>
  before === null ? '' : `${before.version}/${before.jobId}/${before.at}`;
