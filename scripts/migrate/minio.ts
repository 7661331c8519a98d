import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  HeadBucketCommand,
  ListObjectVersionsCommand,
  PutBucketNotificationConfigurationCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import * as z from 'zod';
import {
  type BucketSettings,
  openS3,
  prepareBucket,
  prepareUploadsBucket,
} from '../../shared/adapters/distributed/bucket.ts';
import { parseFile, readFiles } from '../../shared/migrations/files.ts';
import type { MigratedDatabase, Migration, Step } from '../../shared/migrations/migration.ts';
import { MigrationError } from '../../shared/migrations/migration.ts';

const fileSchema = z.strictObject({ about: z.string(), bucket: z.enum(['images', 'uploads']) });

type Ways = Pick<Migration, 'up' | 'down' | 'isThere' | 'needless'>;

/** Buckets of MinIO or another S3 store. */
export async function openMigratedBuckets(settings: BucketSettings, folder: string): Promise<MigratedDatabase> {
  const files = await readFiles(folder, 'minio');
  const client = openS3(settings);
  const ways = { images: imagesBucket(settings, client), uploads: uploadsBucket(settings, client) };
  return {
    name: 'minio',
    title: settings.bucket,
    migrations: files.map((file) => {
      const { bucket } = parseFile(fileSchema, file);
      // A bucket that holds something is not removed.
      return { name: file.name, checksum: file.checksum, ...ways[bucket], holds: async () => [] };
    }),
    async erase() {
      const silenced = await silencing(settings, client);
      if (!(await isThere(client, settings.bucket))) return silenced;
      return [
        ...silenced,
        { what: `remove every image in the bucket ${settings.bucket}`, run: () => empty(client, settings.bucket) },
        { what: `remove the bucket ${settings.bucket}`, run: () => removeBucket(client, settings.bucket) },
      ];
    },
    async keeps() {
      const { uploadsBucket: Bucket } = settings;
      if (Bucket === null || !(await isThere(client, Bucket))) return [];
      return [
        `Kept: the bucket ${Bucket} and the files in it, which are yours. After the next \`up\` they are enrolled again: empty it first if they are not to be.`,
      ];
    },
    close: async () => client.destroy(),
  };
}

const imagesBucket = (settings: BucketSettings, client: S3Client): Ways => ({
  up: async () => [
    { what: `make the bucket ${settings.bucket}, encrypted by the store`, run: () => prepareBucket(settings) },
  ],
  down: async () => [
    { what: `remove the bucket ${settings.bucket}, if it is empty`, run: () => removeBucket(client, settings.bucket) },
  ],
  isThere: () => isThere(client, settings.bucket),
});

function uploadsBucket(settings: BucketSettings, client: S3Client): Ways {
  const { uploadsBucket: Bucket } = settings;
  if (Bucket === null) {
    const nothing = async () => [];
    return { up: nothing, down: nothing, needless: 'S3_UPLOADS_BUCKET is not set' };
  }
  return {
    up: async () => [
      { what: `make the bucket ${Bucket}, which tells Kafka of what comes`, run: () => prepareUploadsBucket(settings) },
    ],
    down: () => silencing(settings, client),
    isThere: () => isThere(client, Bucket),
  };
}

/**
 * [Note: Uploads are whose they are]
 * What lies in the uploads bucket was put there by others and may be all that they have of it, so nothing here removes it, an erasure
 * neither: it ends the notifications and says that the files are kept, and that whoever is in them is enrolled again after an `up`.
 */
async function silencing({ uploadsBucket: Bucket, uploadsTarget }: BucketSettings, client: S3Client): Promise<Step[]> {
  if (Bucket === null || uploadsTarget === null || !(await isThere(client, Bucket))) return [];
  const silence = () =>
    client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: {} }));
  return [{ what: `have the bucket ${Bucket} tell nobody; what is in it stays`, run: silence }];
}

const isThere = (client: S3Client, Bucket: string): Promise<boolean> =>
  client.send(new HeadBucketCommand({ Bucket })).then(
    () => true,
    (error: unknown) => {
      if ((error as { name?: string }).name === 'NotFound') return false;
      throw error;
    },
  );

async function removeBucket(client: S3Client, Bucket: string): Promise<void> {
  await client.send(new DeleteBucketCommand({ Bucket })).catch((error: unknown) => {
    const { name } = error as { name?: string };
    if (name === 'NoSuchBucket') return;
    if (name !== 'BucketNotEmpty') throw error;
    const message = `The bucket ${Bucket} holds images. To lose them: npm run migrate -- erase minio --confirm`;
    throw new MigrationError(message, { cause: error });
  });
}

/** With every version that the store keeps. */
async function empty(client: S3Client, Bucket: string): Promise<void> {
  for (;;) {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
    const objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (objects.length === 0) return;
    const { Errors = [] } = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: objects, Quiet: true } }),
    );
    if (Errors[0] !== undefined) throw new Error(`${Errors[0].Key}: ${Errors[0].Message}`);
  }
}
