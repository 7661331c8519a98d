import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newEnrolment, newTenant } from '../../testing/record-factories.ts';
import type { RecordsSetUp } from '../../testing/records-subject.ts';

export function galleryEpochContract(name: string, setUp: RecordsSetUp): void {
  describe(`${name}: gallery epoch`, () => {
    it('When a person changes or a person or face is deleted, then the epoch changes, only for that tenant', async () => {
      const { records, tenant, clock } = await setUp();
      const other = newTenant();
      const photo = newEnrolment(2);
      await records.saveEnrolment(tenant, photo);
      const epochs: string[] = [];
      const look = async () => epochs.push((await records.galleryEpoch(tenant)).epoch);
      const otherBefore = await records.galleryEpoch(other);

      await look();
      await records.updatePerson(tenant, photo.person.personId, { name: 'another' });
      await look();
      await records.deleteFace(tenant, photo.faces[0]!.faceId);
      await look();
      await records.deletePerson(tenant, photo.person.personId);
      await look();
      await records.raiseEpoch(tenant);
      await look();

      const { changedAt } = await records.galleryEpoch(tenant);
      expect(new Set(epochs).size).toBe(5);
      expect(changedAt).toBe(clock.now());
      expect(await records.galleryEpoch(other)).toEqual(otherBefore);
    });

    it('When a call changes nothing because its target does not exist, then the epoch stays', async () => {
      const { records, tenant } = await setUp();
      await records.raiseEpoch(tenant);
      const { epoch } = await records.galleryEpoch(tenant);

      await records.deletePerson(tenant, randomUUID());
      await records.deleteFace(tenant, randomUUID());
      await records.updatePerson(tenant, randomUUID(), { name: 'nobody' }).catch(() => undefined);

      expect((await records.galleryEpoch(tenant)).epoch).toBe(epoch);
    });
  });
}
