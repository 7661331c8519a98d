import { systemEntry } from '../domain/system-audit.ts';
import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Upload } from '../ports/records/uploads.ts';
import { cancelQueued } from './cancel-job.ts';
import { eraseFace } from './erase.ts';

export type WithdrawPorts = Pick<Ports, 'records' | 'vectors' | 'images' | 'extractor' | 'audit'>;

const gone = 'gone:';

/** Whether what a file brought was taken out of the gallery. */
export const isGone = ({ version }: Upload): boolean => version.startsWith(gone);

/**
 * What a file brought goes: its job ends first, so that nothing comes after, then its faces go, and then it is marked as gone. Resolves
 * to the mark, and to whether there were faces. Errors: BUSY while the job is under way; VERSION_CONFLICT when somebody else saw to
 * the file meanwhile.
 */
export async function withdrawUpload(
  known: Upload,
  call: CallContext,
  ports: WithdrawPorts,
): Promise<{ erased: boolean; left: Upload }> {
  const { tenant, clock } = call;
  await endJob(known, call, ports);
  const erased = await eraseImage(known, call, ports);
  const left = { ...known, version: `${gone}${clock.now()}`, at: clock.now() };
  await ports.records.saveUpload(tenant, left, { over: known });
  return { erased, left };
}

/** Cancels the job of a file unless it is over. Errors: BUSY while it is under way. */
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

/** Erases the faces of a file's image, unless another file has the same image. Resolves to whether there was anything. */
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
