import { describe, expect, it } from 'vitest';
import { newEnrolment, newFace } from '../../testing/record-factories.ts';
import { allPages, type RecordsSetUp } from '../../testing/records-subject.ts';

export function facesContract(name: string, setUp: RecordsSetUp): void {
  describe(`${name}: faces and images`, () => {
    it('When faces are listed, then the newest is first and only faces that match the filter are returned', async () => {
      const { records, tenant, clock } = await setUp();
      const a = newEnrolment(1);
      const b = newEnrolment(1);
      await records.saveEnrolment(tenant, a);
      await clock.advance(10);
      await records.saveEnrolment(tenant, b);
      await clock.advance(10);
      const extra = newFace({ personId: a.person.personId });
      await records.saveEnrolment(tenant, { person: null, image: b.image, faces: [extra] });
      const list = async (filter: { personId?: string; imageId?: string }) =>
        (await allPages((options) => records.listFaces(tenant, filter, options), 1)).flatMap((page) =>
          page.items.map((face) => face.faceId),
        );
      const [faceA, faceB] = [a.faces[0]!.faceId, b.faces[0]!.faceId];

      expect(await list({})).toEqual([extra.faceId, faceB, faceA]);
      expect(await list({ personId: a.person.personId })).toEqual([extra.faceId, faceA]);
      expect(await list({ imageId: b.image.imageId })).toEqual([extra.faceId, faceB]);
      expect(await list({ personId: b.person.personId, imageId: a.image.imageId })).toEqual([]);
    });

    it('When images are listed, then the oldest is first', async () => {
      const { records, tenant, clock } = await setUp();
      const ids: string[] = [];
      for (let i = 0; i < 3; i++) {
        const saved = await records.saveEnrolment(tenant, newEnrolment());
        ids.push(saved.image.imageId);
        await clock.advance(10);
      }

      const pages = await allPages((options) => records.listImages(tenant, options), 2);

      expect(pages.flatMap((page) => page.items.map((image) => image.imageId))).toEqual(ids);
    });
  });
}
