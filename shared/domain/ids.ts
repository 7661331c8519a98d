import { v5 } from 'uuid';

/** UUID namespace of all derived ids. */
const namespace = '6d0f2f0a-6c3b-5d4e-9a61-2f7a3f1c8b5e';

/**
 * [Note: Deterministic ids]
 * Events are delivered at least once, and clients repeat requests. So the ids of images and faces are computed from the image: the
 * same bytes give the same image id and, with the same networks, the same face ids, in every process and every time. So enrolling the
 * same image twice changes nothing the second time. `digest` is the digest of the image bytes.
 */
export const imageIdOf = (tenant: string, digest: string): string => v5(`image/${tenant}/${digest}`, namespace);

/** `index`: rank of the face in the photo, from 0. The main face is first, then the others by size. */
export const faceIdOf = (tenant: string, digest: string, space: string, index: number): string =>
  v5(`face/${tenant}/${digest}/${space}/${index}`, namespace);

/** `event`: source and id of the event. `group`: the consumer group that handles it. */
export const deadLetterIdOf = (event: string, group: string): string => v5(`dead-letter/${group}/${event}`, namespace);

/** `path`: path in the tenant's part of the bucket or the watched folder. */
export const uploadIdOf = (tenant: string, path: string): string => v5(`upload/${tenant}/${path}`, namespace);

/** Id of the notice about one file in a message of the bucket. `event`: source and id of the message. */
export const uploadNoticeIdOf = (event: string, uploadId: string): string =>
  v5(`upload-notice/${event}/${uploadId}`, namespace);

/** A file that is uploaded again with other content gets another job. */
export const uploadJobIdOf = (uploadId: string, version: string): string =>
  v5(`upload-job/${uploadId}/${version}`, namespace);

/** `item`: index of the item in the batch. */
export const batchJobIdOf = (batchId: string, item: number): string => v5(`batch-job/${batchId}/${item}`, namespace);
