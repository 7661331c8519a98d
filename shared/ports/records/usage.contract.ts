import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newEnrolment, newFace, newImage, newPerson, newTenant } from '../../testing/record-factories.ts';
import type { RecordsSetUp } from '../../testing/records-subject.ts';

export function usageContract(name: string, setUp: RecordsSetUp): void {
  describe(`${name}: usage`, () => {
    it('When rows are added and deleted, then the usage of the tenant follows, also after the store is reopened', async () => {
      const { records, tenant, reopen } = await setUp();
      const photo = newEnrolment(2);
      const empty = await records.usage(tenant);

      await records.createPerson(tenant, newPerson());
      await records.saveEnrolment(tenant, photo);
      await records.saveEnrolment(tenant, photo);
      await records.saveEnrolment(tenant, newEnrolment(1));
      await records.saveEnrolment(newTenant(), newEnrolment(3));
      const full = await records.usage(tenant);
      await records.deleteFace(tenant, photo.faces[0]!.faceId);
      await records.deletePerson(tenant, photo.person.personId);
      const reopened = await reopen();
      const left = await reopened.usage(tenant);

      expect(empty).toEqual({ persons: 0, faces: 0, bytes: 0 });
      expect(full).toEqual({ persons: 3, faces: 3, bytes: 2 * 12_345 });
      expect(left).toEqual({ persons: 2, faces: 1, bytes: 12_345 });
    });

    it('When unknown faces are added, receive a person or are deleted, then their number follows', async () => {
      const { records, tenant, reopen } = await setUp();
      const stranger = () => ({ ...newEnrolment(1), person: null, faces: [newFace({ personId: null })] });
      const photo = stranger();
      const person = await records.createPerson(tenant, newPerson());
      const empty = await records.countUnknownFaces(tenant);

      await records.saveEnrolment(tenant, photo);
      const gone = stranger();
      await records.saveEnrolment(tenant, gone);
      await records.saveEnrolment(tenant, stranger());
      await records.saveEnrolment(tenant, newEnrolment(2));
      await records.saveEnrolment(newTenant(), stranger());
      const full = await records.countUnknownFaces(tenant);
      await records.saveEnrolment(tenant, {
        ...photo,
        faces: photo.faces.map((face) => ({ ...face, personId: person.personId })),
      });
      await records.deleteFace(tenant, gone.faces[0]!.faceId);
      const left = await (await reopen()).countUnknownFaces(tenant);

      expect([empty, full, left]).toEqual([0, 3, 1]);
    });

    it('When a write is refused, then the usage does not change', async () => {
      const { records, tenant } = await setUp();
      const stranger = newFace({ personId: randomUUID() });

      const refused = records.saveEnrolment(tenant, { ...newEnrolment(1), faces: [stranger] });

      await expect(refused).rejects.toMatchObject({ code: 'PERSON_NOT_FOUND' });
      expect(await records.usage(tenant)).toEqual({ persons: 0, faces: 0, bytes: 0 });
    });

    it('When a tenant has rows, then it is listed, and not after its last row is deleted', async () => {
      const { records, tenant } = await setUp();
      const withPerson = newTenant();
      const enrolment = { person: null, image: newImage(), faces: [newFace()] };
      await records.saveEnrolment(tenant, enrolment);
      const person = await records.createPerson(withPerson, newPerson());

      const during = await records.tenants();
      await records.deleteFace(tenant, enrolment.faces[0]!.faceId);
      await records.deletePerson(withPerson, person.personId);
      const afterwards = await records.tenants();

      expect(during).toEqual(expect.arrayContaining([tenant, withPerson]));
      expect(afterwards).not.toContain(tenant);
      expect(afterwards).not.toContain(withPerson);
    });
  });
}
