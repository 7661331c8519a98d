import { describe, expect, it } from 'vitest';
import { newTenant } from '../testing/record-factories.ts';
import { defaultTenant, type Tenant } from './tenant.ts';
import type { Uploads } from './uploads.ts';

export interface UploadsSubject {
  readonly uploads: Uploads;
  put(tenant: Tenant, path: string, bytes: Uint8Array, metadata?: Readonly<Record<string, string>>): Promise<void>;
  remove(tenant: Tenant, path: string): Promise<void>;
  /** Removes the bucket or the folder. */
  vanish(): Promise<void>;
  /** Whether files have metadata. */
  readonly metadata: boolean;
}

/** Every promise of `Uploads`. */
export function uploadsContract({ name, open }: { name: string; open: () => Promise<UploadsSubject> }) {
  describe(name, () => {
    const most = 1_000_000;
    const listed = async (uploads: Uploads) => {
      const files = [];
      for await (const file of uploads.files()) files.push(file);
      return files.sort((a, b) => (a.path < b.path ? -1 : 1));
    };

    it('When a file is put, then it is found, read and listed with the same version, also with special characters in its name', async () => {
      const { uploads, put } = await open();
      const tenant = newTenant();
      const paths = ['Zoë & Co/größe + 1 %20.jpg', 'ada/1.jpg', 'ada/sub/2.jpg'].sort();
      for (const path of paths) await put(tenant, path, Buffer.from(path));

      const files = await listed(uploads);

      expect(uploads.enabled).toBe(true);
      expect(files.map(({ path }) => path)).toEqual(paths);
      for (const { path, version, tenant: owner } of files) {
        const read = await uploads.read(tenant, path, { most });
        expect(owner).toBe(tenant);
        expect(Buffer.from(read!.bytes).toString()).toBe(path);
        expect(read!.file).toEqual(await uploads.find(tenant, path));
        expect(read!.file).toMatchObject({ version, bytes: Buffer.byteLength(path) });
      }
    });

    it('When a file is put again, then its version changes, and otherwise it stays the same', async () => {
      const { uploads, put } = await open();
      const tenant = newTenant();
      await put(tenant, 'ada/1.jpg', Buffer.from('one'));
      const before = await uploads.find(tenant, 'ada/1.jpg');
      const again = await uploads.find(tenant, 'ada/1.jpg');

      await put(tenant, 'ada/1.jpg', Buffer.from('another'));

      expect(again).toEqual(before);
      expect((await uploads.find(tenant, 'ada/1.jpg'))?.version).not.toBe(before?.version);
    });

    it('When a file does not exist, belongs to another tenant, or its path leads out of the folder, then the result is null', async () => {
      const { uploads, put, remove } = await open();
      const tenant = newTenant();
      await put(tenant, 'ada/1.jpg', Buffer.from('one'));
      await put(tenant, 'ada/2.jpg', Buffer.from('two'));
      await remove(tenant, 'ada/2.jpg');

      const seen = [];
      for (const [owner, path] of [
        [tenant, 'ada/2.jpg'],
        [tenant, 'ada/none.jpg'],
        [tenant, 'ada'],
        [tenant, `../${tenant}/ada/1.jpg`],
        [tenant, ''],
        [newTenant(), 'ada/1.jpg'],
        [defaultTenant, 'ada/1.jpg'],
      ] as const) {
        seen.push(await uploads.find(owner, path), await uploads.read(owner, path, { most }));
      }

      expect(seen.every((each) => each === null)).toBe(true);
    });

    it('When a file is larger than the limit of the read, then the error is IMAGE_TOO_LARGE', async () => {
      const { uploads, put } = await open();
      const tenant = newTenant();
      await put(tenant, 'ada/1.jpg', Buffer.alloc(5000));

      await expect(uploads.read(tenant, 'ada/1.jpg', { most: 4999 })).rejects.toMatchObject({
        code: 'IMAGE_TOO_LARGE',
      });
      expect((await uploads.read(tenant, 'ada/1.jpg', { most: 5000 }))?.bytes).toHaveLength(5000);
    });

    it('When a file has metadata, then it is returned', async () => {
      const { uploads, put, metadata } = await open();
      const tenant = newTenant();
      await put(tenant, '1.jpg', Buffer.from('one'), { 'person-id': 'ada', latitude: '52.5' });

      const expected = metadata ? { 'person-id': 'ada', latitude: '52.5' } : {};
      // In a folder, a file without a subfolder belongs to the default tenant, so null is correct for this tenant.
      const file = await uploads.find(tenant, '1.jpg');
      expect(file === null ? {} : file.metadata).toEqual(expected);
    });

    it('When the whole bucket or folder is missing, then every call is STORE_UNAVAILABLE instead of null', async () => {
      const { uploads, put, vanish } = await open();
      const tenant = newTenant();
      await put(tenant, 'ada/1.jpg', Buffer.from('one'));

      await vanish();

      await expect(uploads.find(tenant, 'ada/1.jpg')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await expect(uploads.read(tenant, 'ada/1.jpg', { most })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await expect(listed(uploads)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    });

    it('When the signal is already aborted, then the call rejects with its reason', async () => {
      const { uploads } = await open();
      const signal = AbortSignal.abort(new Error('enough'));

      await expect(uploads.find(newTenant(), 'ada/1.jpg', { signal })).rejects.toThrow('enough');
      await expect(uploads.read(newTenant(), 'ada/1.jpg', { most, signal })).rejects.toThrow('enough');
    });
  });
}
