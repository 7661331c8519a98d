import { AppError } from '../errors.ts';
import type { Job } from '../ports/records/jobs.ts';
import type { Upload } from '../ports/records/uploads.ts';

/** What must hold, in every implementation of the records, for something to be written. */

/** Errors: VERSION_CONFLICT when there is no such job any more, or it is over. */
export function requireUnfinished(job: Job | null): void {
  if (job === null || job.finishedAt !== null) throw new AppError('VERSION_CONFLICT', { message: 'The job is over.' });
}

/** Errors: VERSION_CONFLICT when what is there is neither `over` nor `next` already. */
export function requireUpload(current: Upload | null, over: Upload | null, next: Upload): void {
  const is = (other: Upload | null) => current?.version === other?.version && current?.jobId === other?.jobId;
  if (!is(over) && !is(next)) throw new AppError('VERSION_CONFLICT');
}
