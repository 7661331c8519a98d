import {
  CreateBucketCommand,
  HeadBucketCommand,
  PutBucketEncryptionCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { AppError } from '../../errors.ts';
import type { AdapterOptions } from '../../runtime/adapter-options.ts';

export type BucketSettings = AdapterOptions['engines']['s3'];

const connectMs = 1000;
/** One attempt; an image of the largest size passes in it. */
const requestMs = 10_000;

/** A client for one process. Credentials come from the settings alone: nothing is looked up on this machine or in its cloud. */
export function openS3(settings: BucketSettings): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey, pathStyle, tls } = settings;
  const requestHandler: S3ClientConfig['requestHandler'] = {
    connectionTimeout: connectMs,
    requestTimeout: requestMs,
    throwOnRequestTimeout: true,
    ...(tls?.ca == null ? {} : { httpsAgent: { keepAlive: true, maxSockets: 50, ca: tls.ca } }),
  };
  return new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: pathStyle,
    requestHandler,
    maxAttempts: 3,
  });
}

/** How the store is to encrypt, and what it must answer. */
export const encryptionOf = ({ kmsKeyId }: BucketSettings) =>
  kmsKeyId === null
    ? ({ ServerSideEncryption: 'AES256' } as const)
    : ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId } as const);

/**
 * Makes the bucket where it is missing and has it encrypt whatever comes. A step of the migration: who runs the platform need not
 * be allowed to. Resolves to whether the bucket was made. Errors: STORE_UNAVAILABLE.
 */
export async function prepareBucket(settings: BucketSettings): Promise<{ made: boolean }> {
  const client = openS3(settings);
  const { bucket: Bucket } = settings;
  const { ServerSideEncryption: SSEAlgorithm, ...rest } = encryptionOf(settings);
  const key = 'SSEKMSKeyId' in rest ? { KMSMasterKeyID: rest.SSEKMSKeyId } : {};
  try {
    const made = await client.send(new HeadBucketCommand({ Bucket })).then(
      () => false,
      async (error: unknown) => {
        if ((error as { name?: string }).name !== 'NotFound') throw error;
        await client.send(new CreateBucketCommand({ Bucket }));
        return true;
      },
    );
    const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm, ...key } }];
    await client.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }));
    return { made };
  } catch (error) {
    const message = `the bucket ${Bucket} cannot be prepared: ${error instanceof Error ? error.message : String(error)}`;
    throw new AppError('STORE_UNAVAILABLE', { message, cause: error });
  } finally {
    client.destroy();
  }
}
