import { randomUUID } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { onTestFinished } from 'vitest';
import { keyOfUpload } from '../../domain/uploads.ts';
import { uploadsContract } from '../../ports/uploads.contract.ts';
import { describeEngine } from '../../testing/engine.ts';
import { openS3 } from './bucket.ts';
import { openUploads } from './uploads.ts';

describeEngine('s3', 'distributed uploads', (s3) => {
  uploadsContract({
    name: 'contract',
    open: async () => {
      const Bucket = `test-${randomUUID()}`;
      const admin = openS3(s3);
      await admin.send(new CreateBucketCommand({ Bucket }));
      const vanish = async () => {
        const { Contents = [] } = await admin.send(new ListObjectsV2Command({ Bucket }));
        for (const { Key } of Contents) await admin.send(new DeleteObjectCommand({ Bucket, Key }));
        await admin.send(new DeleteBucketCommand({ Bucket }));
      };
      const uploads = await openUploads({ engines: { s3: { ...s3, uploadsBucket: Bucket } } });
      onTestFinished(async () => {
        await uploads.close();
        await vanish().catch(() => undefined);
        admin.destroy();
      });
      return {
        uploads,
        metadata: true,
        put: async (tenant, path, Body, Metadata = {}) => {
          await admin.send(new PutObjectCommand({ Bucket, Key: keyOfUpload({ tenant, path }), Body, Metadata }));
        },
        remove: async (tenant, path) => {
          await admin.send(new DeleteObjectCommand({ Bucket, Key: keyOfUpload({ tenant, path }) }));
        },
        vanish,
      };
    },
  });
});
