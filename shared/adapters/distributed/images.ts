import { createHash } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { AppError } from '../../errors.ts';
import type { AdapterOptions } from '../../function/adapter-options.ts';
import type { Images } from '../../ports/images.ts';
import type { Tenant } from '../../ports/tenant.ts';
import { type BucketSettings, encryptionOf, openS3 } from './bucket.ts';
import { storeCalls } from './store-calls.ts';

export interface ImagesOptions {
  readonly engines: Pick<AdapterOptions['engines'], 's3'>;
}

/** A call with its repetitions. */
const callMs = 20_000;
/** Of an object's metadata: what its bytes and its name come to. See: [Note: Objects know their name] */
const digestName = 'freeface-digest';
/** Hex digits of the key's hash before the key in an object's name. */
const hashDigits = 8;

/**
 * Objects `<tenant>/<hash>-<key>` in a bucket of MinIO or any other S3 store.
 *
 * [Note: Encrypted by the store]
 * Every object is put with server-side encryption, and an answer that does not confirm it is an error, as is an object that was
 * found unencrypted. Embedded images are encrypted by the platform itself because nobody else would. Doing both here would need a
 * key of our own in every function that shows an image, and would protect from the store's operator alone, who with MinIO's KMS
 * is not the keeper of the keys either; it would also end answers of ranges and signed URLs straight from the store.
 *
 * [Note: Objects know their name]
 * A digest of tenant, key and bytes lies in the object's metadata. An object that was damaged, copied over another one or moved to
 * another tenant does not open.
 */
export async function openImages({ engines }: ImagesOptions): Promise<Images> {
  const settings = engines.s3;
  const client = openS3(settings);
  const { bucket: Bucket, publicEndpoint } = settings;
  // A link is signed for the host that it leads to.
  const outside = publicEndpoint === null ? null : openS3({ ...settings, endpoint: publicEndpoint });
  const calls = storeCalls({ store: 'images', timeoutMs: callMs, translate: (error) => meaningOf(error, Bucket) });

  return {
    put: (tenant, key, bytes, options) =>
      calls.run(options, async (abortSignal) => {
        const name = nameOf(tenant, key);
        const Metadata = { [digestName]: digestOf(tenant, key, bytes) };
        const answer = await client.send(
          new PutObjectCommand({
            Bucket,
            Key: name,
            Body: bytes,
            Metadata,
            ContentType: 'application/octet-stream',
            ...encryptionOf(settings),
          }),
          { abortSignal },
        );
        if (isEncrypted(answer, settings)) return;
        await removeObject(client, Bucket, name, abortSignal);
        throw new Error('the store did not encrypt the image, so it was removed again');
      }),
    get: (tenant, key, options) =>
      calls.run(options, async (abortSignal) => {
        const name = nameOf(tenant, key);
        const object = await orNull(client.send(new GetObjectCommand({ Bucket, Key: name }), { abortSignal }));
        if (object === null) return null;
        const bytes = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
        if (!isEncrypted(object, settings)) throw damaged(`image ${key}: lies in the bucket without encryption`);
        if (object.Metadata?.[digestName] !== digestOf(tenant, key, bytes)) {
          throw damaged(`image ${key}: the bytes are not those that were stored under this name`);
        }
        return bytes;
      }),
    async link(tenant, key, { expiresSeconds, contentType, disposition }) {
      const Key = nameOf(tenant, key);
      if (outside === null) return null;
      const command = new GetObjectCommand({
        Bucket,
        Key,
        ResponseContentType: contentType,
        ResponseContentDisposition: disposition,
        ResponseCacheControl: 'private, no-store',
      });
      return await getSignedUrl(outside, command, { expiresIn: expiresSeconds });
    },
    delete: (tenant, key, options) =>
      calls.run(options, async (abortSignal) => {
        const name = nameOf(tenant, key);
        const found = await orNull(client.send(new HeadObjectCommand({ Bucket, Key: name }), { abortSignal }));
        if (found === null) return false;
        await removeObject(client, Bucket, name, abortSignal);
        return true;
      }),
    async *keys(tenant, options) {
      const Prefix = `${tenant}/`;
      let ContinuationToken: string | undefined;
      do {
        const page = await calls.run(options, (abortSignal) =>
          client.send(new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }), { abortSignal }),
        );
        for (const { Key, LastModified } of page.Contents ?? []) {
          options?.signal?.throwIfAborted();
          if (Key === undefined || LastModified === undefined) continue;
          yield { key: Key.slice(Prefix.length + hashDigits + 1), writtenAt: LastModified.getTime() };
        }
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    },
    close: () =>
      calls.close(() => {
        client.destroy();
        outside?.destroy();
      }),
  };
}

/** The hash goes before the key, so that keys such as `.` and `..`, which stores refuse, are names, and names are spread. */
function nameOf(tenant: Tenant, key: string): string {
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(key)) throw new RangeError(`not an image key: ${JSON.stringify(key)}`);
  return `${tenant}/${createHash('sha256').update(key).digest('hex').slice(0, hashDigits)}-${key}`;
}

const digestOf = (tenant: Tenant, key: string, bytes: Uint8Array): string =>
  createHash('sha256').update(`${tenant}\n${key}\n`).update(bytes).digest('base64');

const isEncrypted = (answer: { ServerSideEncryption?: string | undefined }, settings: BucketSettings): boolean =>
  settings.kmsKeyId === null
    ? answer.ServerSideEncryption !== undefined
    : answer.ServerSideEncryption?.startsWith('aws:kms') === true;

/**
 * Where a bucket keeps versions, deleting only hides the object; what is erased must be gone, so every version of it is removed.
 */
async function removeObject(client: S3Client, Bucket: string, Key: string, abortSignal: AbortSignal): Promise<void> {
  const { VersionId } = await client.send(new DeleteObjectCommand({ Bucket, Key }), { abortSignal });
  if (VersionId === undefined) return;
  let position: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
  do {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key, ...position }), {
      abortSignal,
    });
    for (const version of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]) {
      if (version.Key !== Key) continue;
      await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId: version.VersionId }), { abortSignal });
    }
    position = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  } while (position.KeyMarker !== undefined);
}

const orNull = <Value>(answer: Promise<Value>): Promise<Value | null> =>
  answer.catch((error: unknown) => {
    const { name } = error as { name?: string };
    if (name === 'NoSuchKey' || name === 'NotFound') return null;
    throw error;
  });

function meaningOf(error: unknown, bucket: string): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === 'NoSuchBucket') {
    return new Error(`there is no bucket ${bucket}. Run: npm run migrate -- up --database minio`, { cause: error });
  }
  return /^Checksum mismatch/.test(error.message) ? damaged(error.message, error) : error;
}

const damaged = (message: string, cause?: unknown): AppError => new AppError('IMAGE_STORE_DAMAGED', { message, cause });
