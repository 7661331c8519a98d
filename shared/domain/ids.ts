import { v5 } from 'uuid';

/** Namespace of every id that processing derives. */
const namespace = '6d0f2f0a-6c3b-5d4e-9a61-2f7a3f1c8b5e';

/**
 * [Note: Deterministic ids]
 * Delivery is at least once and clients repeat themselves. So what processing makes of an image has an id that follows from
 * the image: the same bytes give the same image and, with the same networks, the same faces, however often and wherever they
 * are processed. Enrolling twice therefore changes nothing the second time.
 */
export const imageIdOf = (tenant: string, digest: string): string => v5(`image/${tenant}/${digest}`, namespace);

/** `index`: the face's rank in the photo, the main one first and then by size, from 0. */
export const faceIdOf = (tenant: string, digest: string, space: string, index: number): string =>
  v5(`face/${tenant}/${digest}/${space}/${index}`, namespace);

/** `event` is the event's source and id; `group` who was to handle it. */
export const deadLetterIdOf = (event: string, group: string): string => v5(`dead-letter/${group}/${event}`, namespace);

/** `path` within the tenant's part of the bucket or the watched folder. */
export const uploadIdOf = (tenant: string, path: string): string => v5(`upload/${tenant}/${path}`, namespace);

/** The notice of one file of a bucket's message; `event` is the message's source and id. */
export const uploadNoticeIdOf = (event: string, uploadId: string): string =>
  v5(`upload-notice/${event}/${uploadId}`, namespace);

/** A file that is put again with other contents is another job. */
export const uploadJobIdOf = (uploadId: string, version: string): string =>
  v5(`upload-job/${uploadId}/${version}`, namespace);

export const batchJobIdOf = (batchId: string, item: number): string => v5(`batch-job/${batchId}/${item}`, namespace);
