import { systemEntry } from '../domain/system-audit.ts';
import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Upload } from '../ports/records/uploads.ts';
import { cancelQueued } from './cancel-job.ts';
import { eraseFace } from './erase.ts';
import { asGone, isGone } from './upload-marks.ts';

export type WithdrawPorts = Pick<Ports, 'records' | 'vectors' | 'images' | 'extractor' | 'audit'>;

/**
 * Removes the faces of a file from the gallery. First ends the file's job, so that the job saves nothing afterwards; then erases the
 * faces; then marks the file as gone. `left` is the marked record, `erased` whether there were faces. Errors: BUSY while the job is
 * running; VERSION_CONFLICT if another process changed the file's record meanwhile.
 */
export async function withdrawUpload(
  known: Upload,
  call: CallContext,
  ports: WithdrawPorts,
): Promise<{ erased: boolean; left: Upload }> {
  const { tenant, clock } = call;
  await endJob(known, call, ports);
  const erased = await eraseImage(known, call, ports);
  const left = asGone(known, clock.now());
  await ports.records.saveUpload(tenant, left, { over: known });
  return { erased, left };
}

/** Cancels the job of a file unless the job has finished. Errors: BUSY while the job is running. */
export async function endJob(
  { jobId }: Upload,
  call: CallContext,
  ports: Pick<Ports, 'records' | 'images'>,
): Promise<void> {
  const job = jobId === '' ? null : await ports.records.getJob(call.tenant, jobId, { signal: call.signal });
  if (job === null || job.finishedAt !== null) return;
  const cancelled = await cancelQueued(job, call, ports);
  if (cancelled !== null && cancelled.finishedAt === null) throw new AppError('BUSY');
}

/** Erases the faces of a file's image, unless another file has the same image. Resolves to whether a face was erased. */
async function eraseImage(upload: Upload, call: CallContext, ports: WithdrawPorts): Promise<boolean> {
  const { tenant } = call;
  const { imageId } = upload;
  const same = await ports.records.listUploads(tenant, { imageId }, { limit: 1000 });
  if (same.items.some((each) => each.uploadId !== upload.uploadId && !isGone(each) && each.jobId !== '')) return false;
  let erased = 0;
  for (;;) {
    const { items } = await ports.records.listFaces(tenant, { imageId }, { limit: 1000 });
    if (items.length === 0) break;
    for (const { faceId, personId } of items) {
      const subjects = { persons: personId === null ? [] : [personId], faces: [faceId], images: [imageId] };
      const entry = systemEntry('ingest-upload', subjects, { details: { file: 'gone' } }, call);
      await ports.audit.append(tenant, { ...entry, status: 102 }, { durable: true });
      await eraseFace(faceId, call, ports).catch((error: unknown) => {
        if (!(error instanceof AppError && error.code === 'FACE_NOT_FOUND')) throw error;
      });
      await ports.audit.append(tenant, entry, { durable: true });
      erased += 1;
    }
  }
  return erased > 0;
}
