import {
  CreateBucketCommand,
  HeadBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketNotificationConfigurationCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { uploadsFolder } from '../../domain/uploads.ts';
import { AppError } from '../../errors.ts';
import type { AdapterOptions } from '../../function/adapter-options.ts';
import { tlsOptions } from './tls.ts';

export type BucketSettings = AdapterOptions['engines']['s3'];

const connectMs = 1000;
/** Limit of one attempt, in milliseconds; long enough for the largest image. */
const requestMs = 10_000;

/** Creates a client. Its credentials come from the settings only; it does not search this machine or its cloud for others. */
export function openS3(settings: BucketSettings): S3Client {
  // Suppress the SDK's warning about Node 20 at every start: the installed SDK version works with Node 20.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const { endpoint, region, accessKeyId, secretAccessKey, pathStyle, tls } = settings;
  const requestHandler: S3ClientConfig['requestHandler'] = {
    connectionTimeout: connectMs,
    requestTimeout: requestMs,
    throwOnRequestTimeout: true,
    ...(tls === null ? {} : { httpsAgent: { keepAlive: true, maxSockets: 50, ...tlsOptions(tls) } }),
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

/** The encryption that a request asks for, and that the response must confirm. */
export const encryptionOf = ({ kmsKeyId }: BucketSettings) =>
  kmsKeyId === null
    ? ({ ServerSideEncryption: 'AES256' } as const)
    : ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId } as const);

/**
 * Creates the bucket of images when it is missing, and turns on its default encryption. The migration does this, so the credentials of
 * the running platform do not need the permission. Resolves to whether it created the bucket. Errors: STORE_UNAVAILABLE.
 */
export const prepareBucket = (settings: BucketSettings): Promise<{ made: boolean }> =>
  prepare(settings, settings.bucket);

/**
 * Like `prepareBucket`, for the bucket that clients write to. Also makes the store send an event to Kafka for every created and deleted
 * object. Does nothing when no such bucket is configured. Errors: STORE_UNAVAILABLE, also when the store does not know the target.
 */
export async function prepareUploadsBucket(settings: BucketSettings): Promise<{ made: boolean }> {
  const { uploadsBucket, uploadsTarget } = settings;
  if (uploadsBucket === null) return { made: false };
  return await prepare(settings, uploadsBucket, async (client) => {
    if (uploadsTarget === null) return;
    const command = new PutBucketNotificationConfigurationCommand({
      Bucket: uploadsBucket,
      NotificationConfiguration: {
        QueueConfigurations: [
          {
            QueueArn: uploadsTarget,
            Events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'],
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: uploadsFolder }] } },
          },
        ],
      },
    });
    await client.send(command);
  });
}

async function prepare(
  settings: BucketSettings,
  Bucket: string,
  more: (client: S3Client) => Promise<void> = async () => undefined,
): Promise<{ made: boolean }> {
  const client = openS3(settings);
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
    await more(client);
    return { made };
  } catch (error) {
    const message = `the bucket ${Bucket} cannot be prepared: ${error instanceof Error ? error.message : String(error)}`;
    throw new AppError('STORE_UNAVAILABLE', { message, cause: error });
  } finally {
    client.destroy();
  }
}
