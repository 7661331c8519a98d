import { describe, expect, it } from 'vitest';
import { newEnrolment, newFace, newImage, newTenant } from '../../testing/record-factories.ts';
import type { RecordsSetUp } from '../../testing/records-subject.ts';
import type { Enrolment } from './enrolment.ts';

export function retentionContract(name: string, setUp: RecordsSetUp): void {
  describe(`${name}: retention`, () => {
    it('When an image expires, then its record stays without bytes, and it cannot expire twice', async () => {
      const { records, tenant, clock } = await setUp();
      const [old, other] = [newEnrolment(), newEnrolment()];
      await records.saveEnrolment(tenant, old);
      await clock.advance(1000);
      const border = clock.now();
      await records.saveEnrolment(tenant, other);
      const due = await records.imagesBefore(tenant, border, 10);

      const given = await records.expireImage(tenant, old.image.imageId);
      const again = await records.expireImage(tenant, old.image.imageId);

      expect(due.map(({ imageId }) => imageId)).toEqual([old.image.imageId]);
      expect(given).toEqual(due[0]);
      expect(again).toBeNull();
      expect(await records.expireImage(tenant, 'unknown')).toBeNull();
      expect(await records.getImage(tenant, old.image.imageId)).toEqual({ ...given, bytes: 0, expiredAt: clock.now() });
      expect((await records.getImage(tenant, other.image.imageId))?.expiredAt).toBeNull();
      expect(await records.imagesBefore(tenant, border, 10)).toEqual([]);
      expect(await records.imagesBefore(newTenant(), border, 10)).toEqual([]);
      expect((await records.usage(tenant)).bytes).toBe(other.image.bytes);
      expect((await records.saveEnrolment(tenant, old)).image.expiredAt).toBe(clock.now());
    });

    it('When old unknown faces are read, then exactly these are returned, oldest first', async () => {
      const { records, tenant, clock } = await setUp();
      const enrol = async (enrolment: Partial<Enrolment>) => {
        await records.saveEnrolment(tenant, { person: null, image: newImage(), faces: [], ...enrolment });
        await clock.advance(1000);
      };
      const [first, second, young] = [newFace(), newFace(), newFace()];
      await enrol({ faces: [first] });
      await enrol(newEnrolment());
      await enrol({ faces: [second] });
      const border = clock.now();
      await enrol({ faces: [young] });

      const found = await records.unknownFacesBefore(tenant, border, 10);

      expect(found.map(({ faceId }) => faceId)).toEqual([first.faceId, second.faceId]);
      expect(await records.unknownFacesBefore(tenant, border, 1)).toEqual([found[0]]);
      expect(await records.unknownFacesBefore(newTenant(), border, 10)).toEqual([]);
    });
  });
}
