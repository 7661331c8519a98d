import { AppError } from '../errors.ts';
import type { Job } from '../ports/records/jobs.ts';
import type { Upload } from '../ports/records/uploads.ts';

/** Conditions of writes, the same in all implementations of `Records`. */

/** Errors: VERSION_CONFLICT if the job was deleted or has ended. */
export function requireUnfinished(job: Job | null): void {
  if (job === null || job.finishedAt !== null)
    throw new AppError('VERSION_CONFLICT', { message: 'The job has ended or was deleted.' });
}

/** Errors: VERSION_CONFLICT if `current` is neither `over` (the upload to replace) nor `next` (written already). */
export function requireUpload(current: Upload | null, over: Upload | null, next: Upload): void {
  const is = (other: Upload | null) => current?.version === other?.version && current?.jobId === other?.jobId;
  if (!is(over) && !is(next)) throw new AppError('VERSION_CONFLICT');
}
