import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { isUploadPath, keyOfUpload, uploadOfKey } from '../../domain/uploads.ts';
import { AppError } from '../../errors.ts';
import type { AdapterOptions } from '../../function/adapter-options.ts';
import { asTenant } from '../../ports/tenant.ts';
import type { UploadedFile, Uploads } from '../../ports/uploads.ts';
import { openS3 } from './bucket.ts';
import { storeCalls } from './store-calls.ts';

export interface UploadsOptions {
  readonly engines: Pick<AdapterOptions['engines'], 's3'>;
}

/** Limit of one call with its retries, in milliseconds. */
const callMs = 20_000;

const nothing: Uploads = {
  enabled: false,
  find: async () => null,
  read: async () => null,
  async *files() {},
  watch: async () => async () => undefined,
  close: async () => undefined,
};

/**
 * Objects `uploads/{tenant}/{path}` of a bucket that clients write to. The store sends its notifications to Kafka, so this adapter watches
 * nothing. A missing bucket gives STORE_UNAVAILABLE; its objects do not count as deleted.
 */
export async function openUploads({ engines }: UploadsOptions): Promise<Uploads> {
  const { uploadsBucket: Bucket, ...settings } = engines.s3;
  if (Bucket === null) return nothing;
  const client = openS3({ ...settings, uploadsBucket: Bucket });
  const calls = storeCalls({ store: 'uploads', timeoutMs: callMs });

  /** A HEAD request gives the same error for a missing object and for a missing bucket. So a list request checks the bucket. */
  const orNull = async <Answer>(answer: Promise<Answer>, abortSignal: AbortSignal): Promise<Answer | null> =>
    answer.catch(async (error: unknown) => {
      const { name } = error as { name?: string };
      if (name !== 'NoSuchKey' && name !== 'NotFound') throw error;
      await client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 1 }), { abortSignal });
      return null;
    });

  return {
    enabled: true,
    find: (tenant, path, options) =>
      calls.run(options, async (abortSignal) => {
        if (!isUploadPath(path)) return null;
        const Key = keyOfUpload({ tenant, path });
        const object = await orNull(client.send(new HeadObjectCommand({ Bucket, Key }), { abortSignal }), abortSignal);
        return object === null ? null : describe(object);
      }),
    read: (tenant, path, { most, ...options }) =>
      calls.run(options, async (abortSignal) => {
        if (!isUploadPath(path)) return null;
        const Key = keyOfUpload({ tenant, path });
        const object = await orNull(client.send(new GetObjectCommand({ Bucket, Key }), { abortSignal }), abortSignal);
        if (object === null) return null;
        const file = describe(object);
        if (file.bytes > most) {
          (object.Body as { destroy?: () => void } | undefined)?.destroy?.();
          throw new AppError('IMAGE_TOO_LARGE');
        }
        return { file, bytes: (await object.Body?.transformToByteArray()) ?? new Uint8Array() };
      }),
    async *files(options) {
      let ContinuationToken: string | undefined;
      do {
        const page = await calls.run(options, (abortSignal) =>
          client.send(new ListObjectsV2Command({ Bucket, Prefix: 'uploads/', ContinuationToken }), { abortSignal }),
        );
        for (const { Key, ETag, LastModified } of page.Contents ?? []) {
          options?.signal?.throwIfAborted();
          const place = Key === undefined ? null : uploadOfKey(Key);
          if (place === null) continue;
          const version = versionOf({ ETag, LastModified });
          yield { tenant: asTenant(place.tenant), path: place.path, version };
        }
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    },
    watch: async () => async () => undefined,
    close: () => calls.close(() => client.destroy()),
  };
}

const describe = (object: GetObjectCommandOutput | HeadObjectCommandOutput): UploadedFile => ({
  version: versionOf(object),
  bytes: object.ContentLength ?? 0,
  metadata: object.Metadata ?? {},
});

/** Rounded down to seconds: a HEAD response has only seconds, a list response has milliseconds. */
const versionOf = ({ ETag, LastModified }: { ETag?: string | undefined; LastModified?: Date | undefined }): string =>
  `${ETag?.replaceAll('"', '')}-${Math.floor((LastModified?.getTime() ?? 0) / 1000)}`;
