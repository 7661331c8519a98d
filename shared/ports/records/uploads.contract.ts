import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newTenant } from '../../testing/record-factories.ts';
import type { RecordsSetUp } from '../../testing/records-subject.ts';

export function uploadsContract(name: string, setUp: RecordsSetUp): void {
  describe(`${name}: uploads`, () => {
    it('When uploads are saved, then they can be read, replaced, listed by image and deleted', async () => {
      const { records, tenant } = await setUp();
      const made = Array.from({ length: 3 }, (_, i) => ({
        uploadId: randomUUID(),
        version: `v${i}`,
        jobId: randomUUID(),
        imageId: i === 0 ? 'other' : 'image',
        at: 1_700_000_000_000 + i,
      }));
      for (const upload of made) await records.saveUpload(tenant, upload);
      const replaced = { ...made[2]!, version: 'newer' };
      await records.saveUpload(tenant, replaced);

      const first = await records.listUploads(tenant, {}, { limit: 2 });
      const rest = await records.listUploads(tenant, {}, { limit: 2, after: first.next! });
      const ofImage = await records.listUploads(tenant, { imageId: 'image' }, { limit: 10 });
      const deleted = [
        await records.deleteUpload(newTenant(), made[0]!.uploadId),
        await records.deleteUpload(tenant, made[0]!.uploadId),
        await records.deleteUpload(tenant, made[0]!.uploadId),
      ];

      expect([...first.items, ...rest.items]).toEqual([made[0], made[1], replaced]);
      expect(ofImage.items).toEqual([made[1], replaced]);
      expect(deleted).toEqual([false, true, false]);
      expect(await records.getUpload(tenant, made[0]!.uploadId)).toBeNull();
      expect(await records.getUpload(tenant, made[1]!.uploadId)).toEqual(made[1]);
      expect(await records.getUpload(newTenant(), made[1]!.uploadId)).toBeNull();
    });

    it('When an upload is saved with `over`, then the stored one must be that or equal, and one of several calls succeeds', async () => {
      const { records, tenant } = await setUp();
      const common = { uploadId: randomUUID(), imageId: 'image', at: 1_700_000_000_000 };
      const version = (name: string, jobId: string = randomUUID()) => ({ ...common, version: name, jobId });
      const [first, second] = [version('v1'), version('v2')];
      const conflict = { code: 'VERSION_CONFLICT' };

      await records.saveUpload(tenant, first, { over: null });
      await records.saveUpload(tenant, first, { over: null });
      await expect(records.saveUpload(tenant, second, { over: null })).rejects.toMatchObject(conflict);
      await expect(records.saveUpload(tenant, second, { over: version('v1') })).rejects.toMatchObject(conflict);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 4 }, (_, i) => records.saveUpload(tenant, version(`v${i + 2}`), { over: first })),
      );

      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await records.getUpload(tenant, common.uploadId))?.version).toBe(
        `v${outcomes.findIndex(({ status }) => status === 'fulfilled') + 2}`,
      );
      expect((await records.listUploads(tenant, {}, { limit: 9 })).items).toHaveLength(1);
    });
  });
}
