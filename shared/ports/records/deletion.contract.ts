import { describe, expect, it } from 'vitest';
import { newEnrolment, newFace, newImage, newJob, newPerson, newTenant } from '../../testing/record-factories.ts';
import type { RecordsSetUp } from '../../testing/records-subject.ts';

export function deletionContract(name: string, setUp: RecordsSetUp): void {
  describe(`${name}: deletion`, () => {
    it('When a person is deleted, then its faces and the images without other faces are deleted, and the rest stays', async () => {
      const { records, tenant } = await setUp();
      const shared = newEnrolment(1);
      await records.saveEnrolment(tenant, shared);
      const person = newPerson();
      const alone = newImage();
      const faces = [newFace({ personId: person.personId }), newFace({ personId: person.personId })];
      await records.saveEnrolment(tenant, { person, image: alone, faces: [faces[0]!] });
      await records.saveEnrolment(tenant, { person: null, image: shared.image, faces: [faces[1]!] });
      const stored = (await records.getPersons(tenant, [person.personId]))[0];

      const removed = await records.deletePerson(tenant, person.personId);

      expect(removed?.person).toEqual(stored);
      expect(removed?.faceIds.toSorted()).toEqual(faces.map((face) => face.faceId).toSorted());
      expect(removed?.images.map((image) => image.imageId)).toEqual([alone.imageId]);
      expect(await records.getPersons(tenant, [person.personId])).toEqual([]);
      expect(await records.getImage(tenant, alone.imageId)).toBeNull();
      expect(await records.getImage(tenant, shared.image.imageId)).not.toBeNull();
      const left = (await records.listFaces(tenant, {}, { limit: 10 })).items;
      expect(left.map((face) => face.faceId)).toEqual([shared.faces[0]!.faceId]);
      expect(await records.deletePerson(tenant, person.personId)).toBeNull();
    });

    it('When another tenant deletes the same ids, then this tenant keeps its rows', async () => {
      const { records, tenant } = await setUp();
      const { person, image, faces } = newEnrolment();
      await records.saveEnrolment(tenant, { person, image, faces });

      expect(await records.deletePerson(newTenant(), person.personId)).toBeNull();
      expect(await records.deleteFace(newTenant(), faces[0]!.faceId)).toBeNull();

      expect((await records.getPersons(tenant, [person.personId]))[0]?.faceCount).toBe(1);
    });

    it('When a person with many faces is deleted, then no reader sees a part of the deletion, and other calls continue', async () => {
      const { records, tenant } = await setUp();
      const { person, image, faces } = newEnrolment(1500);
      await records.saveEnrolment(tenant, { person, image, faces });
      const counts = new Set<number | undefined>();
      let done = false;

      const deletion = records.deletePerson(tenant, person.personId).finally(() => {
        done = true;
      });
      let reads = 0;
      while (!done) {
        counts.add((await records.getPersons(tenant, [person.personId]))[0]?.faceCount);
        reads++;
        await new Promise((resolve) => setImmediate(resolve));
      }

      expect((await deletion)?.faceIds).toHaveLength(1500);
      expect(reads).toBeGreaterThan(3);
      expect([...counts].filter((count) => count !== 1500 && count !== undefined)).toEqual([]);
    });

    it('When a deletion is aborted, then no row is deleted', async () => {
      const { records, tenant } = await setUp();
      const { person, image, faces } = newEnrolment(900);
      await records.saveEnrolment(tenant, { person, image, faces });
      const controller = new AbortController();

      const deletion = records.deletePerson(tenant, person.personId, { signal: controller.signal });
      setImmediate(() => controller.abort(new Error('enough')));

      await expect(deletion).rejects.toThrow('enough');
      expect((await records.getPersons(tenant, [person.personId]))[0]?.faceCount).toBe(900);
    });

    it('When the last face of an image is deleted, then the image is deleted with it, and not earlier', async () => {
      const { records, tenant } = await setUp();
      const { person, image, faces } = newEnrolment(2);
      const saved = await records.saveEnrolment(tenant, { person, image, faces });

      const first = await records.deleteFace(tenant, faces[0]!.faceId);
      const second = await records.deleteFace(tenant, faces[1]!.faceId);

      expect(first).toEqual({ face: saved.faces[0]!.face, image: null });
      expect(second).toEqual({ face: saved.faces[1]!.face, image: saved.image });
      expect(await records.getImage(tenant, image.imageId)).toBeNull();
      expect((await records.getPersons(tenant, [person.personId]))[0]?.faceCount).toBe(0);
      expect(await records.deleteFace(tenant, faces[0]!.faceId)).toBeNull();
    });

    it('When a person is deleted, then the jobs that name it are deleted, and no others', async () => {
      const { records, tenant } = await setUp();
      const person = newPerson({ externalId: 'e-1' });
      await records.createPerson(tenant, person);
      const [byId, byExternalId, other, nobody] = [
        newJob({ personId: person.personId }),
        newJob({ personId: null, externalId: 'e-1' }),
        newJob({ personId: 'other', externalId: 'e-2' }),
        newJob({ personId: null, externalId: null }),
      ];
      for (const job of [byId!, byExternalId!, other!, nobody!]) await records.createJob(tenant, job);

      await records.deletePerson(tenant, person.personId, { keepJobs: true });
      const kept = await records.getJob(tenant, byId!.jobId);
      await records.createPerson(tenant, person);
      const removed = await records.deletePerson(tenant, person.personId);

      expect(kept).not.toBeNull();
      expect(removed?.jobs.map(({ imageKey }) => imageKey).sort()).toEqual(
        [byId!.imageKey, byExternalId!.imageKey].sort(),
      );
      const left = await Promise.all(
        [byId!, byExternalId!, other!, nobody!].map(({ jobId }) => records.getJob(tenant, jobId)),
      );
      expect(left.map((job) => job !== null)).toEqual([false, false, true, true]);
    });
  });
}
