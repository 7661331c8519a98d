import type { Upload } from '../ports/records/uploads.ts';

/** The record of a file, without its job. */
export type SeenUpload = Omit<Upload, 'jobId'>;

const gone = 'gone:';
const coming = 'coming:';

/** Marks a file whose faces were removed from the gallery. `at`: milliseconds since the epoch. */
export const asGone = (known: Upload, at: number): Upload => ({ ...known, version: `${gone}${at}`, at });

/** Whether the faces of a file were removed from the gallery. */
export const isGone = ({ version }: Upload): boolean => version.startsWith(gone);

/** Marks a file whose job is planned and may not exist yet. */
export const asComing = (seen: SeenUpload, jobId: string): Upload => ({
  ...seen,
  version: coming + seen.version,
  jobId,
});

/** Whether a job was planned for the same version and image of a file, and a crash may have stopped its creation. */
export const isComing = ({ version, imageId }: Upload, seen: SeenUpload): boolean =>
  version === coming + seen.version && imageId === seen.imageId;
