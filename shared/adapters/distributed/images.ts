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

/** Limit of one call with its retries, in milliseconds. */
const callMs = 20_000;
/** Name of the metadata field with the digest. See: [Note: Objects carry a digest] */
const digestName = 'freeface-digest';
/** Number of hex digits of the key's hash in an object's name. */
const hashDigits = 8;

/**
 * Objects `<tenant>/<hash>-<key>` in a bucket of MinIO or any other S3 store.
 *
 * [Note: Encrypted by the store]
 * Every object is written with server-side encryption. It is an error when the response does not confirm it, or when an object that is
 * read is not encrypted. In embedded mode the platform itself encrypts images, because no store does. Doing this here as well would need
 * a key in every function that shows an image. It would only protect from the operator of the store, who with MinIO's KMS does not have
 * the keys either. It would also make range requests and signed URLs of the store impossible.
 *
 * [Note: Objects carry a digest]
 * The object's metadata has a digest of tenant, key and bytes. So reading fails for an object that was damaged, copied over another one
 * or moved to another tenant.
 */
export async function openImages({ engines }: ImagesOptions): Promise<Images> {
  const settings = engines.s3;
  const client = openS3(settings);
  const { bucket: Bucket, publicEndpoint } = settings;
  // A signed link is valid only for the host in it, so links need a client with the public address.
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
        throw new Error('the store did not encrypt the image, so the image was deleted again');
      }),
    get: (tenant, key, options) =>
      calls.run(options, async (abortSignal) => {
        const name = nameOf(tenant, key);
        const object = await orNull(client.send(new GetObjectCommand({ Bucket, Key: name }), { abortSignal }));
        if (object === null) return null;
        const bytes = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
        if (!isEncrypted(object, settings)) throw damaged(`image ${key}: the object in the bucket is not encrypted`);
        if (object.Metadata?.[digestName] !== digestOf(tenant, key, bytes)) {
          throw damaged(`image ${key}: the bytes do not match the digest; the object was changed`);
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

/** The hash before the key makes keys such as `.` and `..` valid names, which stores refuse otherwise, and spreads the names. */
function nameOf(tenant: Tenant, key: string): string {
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(key))
    throw new RangeError(`an image key has 1 to 128 of the characters A-Z a-z 0-9 . _ -, not ${JSON.stringify(key)}`);
  return `${tenant}/${createHash('sha256').update(key).digest('hex').slice(0, hashDigits)}-${key}`;
}

const digestOf = (tenant: Tenant, key: string, bytes: Uint8Array): string =>
  createHash('sha256').update(`${tenant}\n${key}\n`).update(bytes).digest('base64');

const isEncrypted = (answer: { ServerSideEncryption?: string | undefined }, settings: BucketSettings): boolean =>
  settings.kmsKeyId === null
    ? answer.ServerSideEncryption !== undefined
    : answer.ServerSideEncryption?.startsWith('aws:kms') === true;

/**
 * Deletes an object with all its versions. In a bucket with versioning, a plain delete only hides the object.
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
