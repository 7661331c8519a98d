import { randomBytes, randomUUID } from 'node:crypto';
import {
  CopyObjectCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketEncryptionCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { Engines } from '../../engine-settings.ts';
import { imagesContract } from '../../ports/images.contract.ts';
import { describeEngine } from '../../testing/engine.ts';
import { portProxy } from '../../testing/port-proxy.ts';
import { newTenant } from '../../testing/record-factories.ts';
import { openS3, prepareBucket } from './bucket.ts';
import { openImages } from './images.ts';

describeEngine('s3', 'distributed images', (s3) => {
  const settings = { ...s3, bucket: `test-${randomUUID()}` };
  const { bucket: Bucket } = settings;
  const admin = openS3(s3);
  const open = async (changes: Partial<Engines['s3']> = {}) => {
    const images = await openImages({ engines: { s3: { ...settings, ...changes } } });
    onTestFinished(() => images.close());
    return images;
  };
  const versionsOf = async (bucket: string) => {
    const page = await admin.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    return [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
  };
  const dropBucket = async (bucket: string) => {
    for (let left = await versionsOf(bucket); left.length > 0; left = await versionsOf(bucket)) {
      for (const { Key, VersionId } of left) {
        await admin.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId }));
      }
    }
    await admin.send(new DeleteBucketCommand({ Bucket: bucket }));
  };
  const through = async () => {
    const { hostname, port } = new URL(s3.endpoint);
    const proxy = await portProxy({ host: hostname, port: Number(port) });
    return { proxy, endpoint: `http://127.0.0.1:${proxy.port}` };
  };

  beforeAll(() => prepareBucket(settings));
  afterAll(async () => {
    await dropBucket(Bucket);
    admin.destroy();
  });

  it('When no public address is configured, then there is no link', async () => {
    const images = await open();

    expect(
      await images.link(newTenant(), 'key', { expiresSeconds: 60, contentType: 'a', disposition: 'b' }),
    ).toBeNull();
  });

  imagesContract({
    name: 'contract',
    writtenBy: 'server',
    open: async () => {
      const images = await open({ publicEndpoint: s3.endpoint });
      return {
        images,
        reopen: async () => {
          await images.close();
          return await open();
        },
      };
    },
  });

  it('When a bucket is prepared, then its default encryption is on, and a second run changes nothing', async () => {
    expect(await prepareBucket(settings)).toEqual({ made: false });

    const { ServerSideEncryptionConfiguration } = await admin.send(new GetBucketEncryptionCommand({ Bucket }));
    expect(ServerSideEncryptionConfiguration?.Rules).toMatchObject([
      { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
    ]);
  });

  it('When the store encrypts with a key of its KMS, then the image is read back', async () => {
    const images = await open({ kmsKeyId: 'test-key' });
    const tenant = newTenant();

    await images.put(tenant, 'key', Buffer.from('bytes'));

    expect(Buffer.from((await images.get(tenant, 'key'))!).toString()).toBe('bytes');
  });

  it('When the store does not confirm the configured encryption, then reading fails', async () => {
    const tenant = newTenant();
    const [plain, strict] = [await open(), await open({ kmsKeyId: 'test-key' })];
    await plain.put(tenant, 'key', Buffer.from('bytes'));

    await expect(strict.get(tenant, 'key')).rejects.toMatchObject({ code: 'IMAGE_STORE_DAMAGED' });
  });

  it('When an object is copied over another one, changed or written by another client, then reading fails with IMAGE_STORE_DAMAGED', async () => {
    const images = await open();
    const [tenant, other] = [newTenant(), newTenant()];
    await images.put(tenant, 'a', Buffer.from('bytes'));
    await images.put(tenant, 'b', Buffer.from('bytes'));
    await images.put(other, 'a', Buffer.from('bytes'));
    const nameOf = async (owner: string, key: string) =>
      (await versionsOf(Bucket)).find(({ Key }) => Key?.startsWith(`${owner}/`) && Key.endsWith(`-${key}`))!.Key!;
    const [a, b, foreign] = [await nameOf(tenant, 'a'), await nameOf(tenant, 'b'), await nameOf(other, 'a')];

    await admin.send(new CopyObjectCommand({ Bucket, Key: b, CopySource: `${Bucket}/${a}` }));
    await admin.send(new CopyObjectCommand({ Bucket, Key: foreign, CopySource: `${Bucket}/${a}` }));

    await expect(images.get(tenant, 'b')).rejects.toMatchObject({ code: 'IMAGE_STORE_DAMAGED' });
    await expect(images.get(other, 'a')).rejects.toMatchObject({ code: 'IMAGE_STORE_DAMAGED' });
    expect(Buffer.from((await images.get(tenant, 'a'))!).toString()).toBe('bytes');
    await admin.send(new PutObjectCommand({ Bucket, Key: a, Body: 'others' }));
    await expect(images.get(tenant, 'a')).rejects.toMatchObject({ code: 'IMAGE_STORE_DAMAGED' });
  });

  it('When the bucket keeps versions, then deleting an image deletes all its versions', async () => {
    const bucket = `test-${randomUUID()}`;
    await prepareBucket({ ...s3, bucket });
    onTestFinished(() => dropBucket(bucket));
    await admin.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
    const images = await open({ bucket });
    const tenant = newTenant();
    await images.put(tenant, 'key', Buffer.from('first'));
    await images.put(tenant, 'key', Buffer.from('second'));
    await images.put(tenant, 'key2', Buffer.from('other'));

    expect(await images.delete(tenant, 'key')).toBe(true);

    expect(await images.get(tenant, 'key')).toBeNull();
    expect(await versionsOf(bucket)).toHaveLength(1);
    expect(Buffer.from((await images.get(tenant, 'key2'))!).toString()).toBe('other');
  });

  it('When a tenant has more images than one page of the store, then all are listed', async () => {
    const images = await open();
    const tenant = newTenant();
    const keys = Array.from({ length: 1005 }, (_, i) => `image-${i}`);
    for (let from = 0; from < keys.length; from += 50) {
      await Promise.all(keys.slice(from, from + 50).map((key) => images.put(tenant, key, Buffer.from('x'))));
    }

    const listed: string[] = [];
    for await (const { key } of images.keys(tenant)) listed.push(key);

    expect(listed.toSorted()).toEqual(keys.toSorted());
  });

  it('When an image has the largest allowed size, then it is read back unchanged', async () => {
    const images = await open();
    const tenant = newTenant();
    const bytes = randomBytes(15 * 1024 * 1024);

    await images.put(tenant, 'large', bytes);

    expect(bytes.equals((await images.get(tenant, 'large'))!)).toBe(true);
  });

  it('When the bucket is missing, then the error says what to do', async () => {
    const images = await open({ bucket: `test-${randomUUID()}` });

    const answer = expect(images.put(newTenant(), 'key', Buffer.from('x'))).rejects;

    await answer.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/no bucket.*npm run migrate/),
    });
  });

  it('When the store is down, then calls fail quickly, and they work once it is up', async () => {
    const { proxy, endpoint } = await through();
    await proxy.down();
    const images = await open({ endpoint });
    const tenant = newTenant();
    const begun = performance.now();

    await expect(images.put(tenant, 'key', Buffer.from('x'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const took = performance.now() - begun;
    await proxy.up();
    await images.put(tenant, 'key', Buffer.from('x'));
    proxy.restart();

    expect(took).toBeLessThan(3000);
    expect(Buffer.from((await images.get(tenant, 'key'))!).toString()).toBe('x');
  });

  it('When a call is aborted while the store hangs, then it rejects with the reason at once', async () => {
    const { proxy, endpoint } = await through();
    const images = await open({ endpoint });
    const controller = new AbortController();
    proxy.hang();

    const waiting = images.get(newTenant(), 'key', { signal: controller.signal });
    controller.abort(new Error('gone'));

    await expect(waiting).rejects.toThrow('gone');
  });

  it('When the store is closed, then calls are refused', async () => {
    const images = await open();

    await images.close();

    await expect(images.get(newTenant(), 'key')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
