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
      // A rollback deletes no data: it removes a bucket only when the bucket is empty.
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
        `Kept: the bucket ${Bucket} and the files in it, because they are yours. After the next \`up\` they are enrolled again. If you do not want that, empty the bucket first.`,
      ];
    },
    close: async () => client.destroy(),
  };
}

const imagesBucket = (settings: BucketSettings, client: S3Client): Ways => ({
  up: async () => [
    { what: `create the bucket ${settings.bucket}, encrypted by the store`, run: () => prepareBucket(settings) },
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
      {
        what: `create the bucket ${Bucket}, with notifications to Kafka`,
        run: () => prepareUploadsBucket(settings),
      },
    ],
    down: () => silencing(settings, client),
    isThere: () => isThere(client, Bucket),
  };
}

/**
 * [Note: Uploads belong to their users]
 * Users put the files into the uploads bucket, and these files may be their only copies. So no command deletes them. An erasure stops the
 * notifications of the bucket. It reports that the files are kept, and that the next `up` enrols the people in them again.
 */
async function silencing({ uploadsBucket: Bucket, uploadsTarget }: BucketSettings, client: S3Client): Promise<Step[]> {
  if (Bucket === null || uploadsTarget === null || !(await isThere(client, Bucket))) return [];
  const silence = () =>
    client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: {} }));
  return [{ what: `stop the notifications of the bucket ${Bucket}; its files are kept`, run: silence }];
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
    const message = `The bucket ${Bucket} contains images. To delete them: npm run migrate -- erase minio --confirm`;
    throw new MigrationError(message, { cause: error });
  });
}

/** Deletes all objects, with all their versions. */
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
