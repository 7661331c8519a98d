import { describe, expect, it } from 'vitest';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { newEnrolment, newPerson, newTenant } from '../testing/record-factories.ts';
import type { RecordsSubject } from '../testing/records-subject.ts';
import { appearancesContract } from './records/appearances.contract.ts';
import { deadLettersContract } from './records/dead-letters.contract.ts';
import { deletionContract } from './records/deletion.contract.ts';
import { enrolmentContract } from './records/enrolment.contract.ts';
import { facesContract } from './records/faces.contract.ts';
import { galleryEpochContract } from './records/gallery-epoch.contract.ts';
import { jobsContract } from './records/jobs.contract.ts';
import { outboxContract } from './records/outbox.contract.ts';
import { personsContract } from './records/persons.contract.ts';
import { retentionContract } from './records/retention.contract.ts';
import { uploadsContract } from './records/uploads.contract.ts';
import { usageContract } from './records/usage.contract.ts';

/** Every promise of `Records`. `open` returns a store and closes it when the test ends; it may contain data of other tenants. */
export function recordsContract({
  name,
  open,
}: {
  name: string;
  open: (clock: FakeClock) => Promise<RecordsSubject>;
}): void {
  const setUp = async () => {
    const clock = fakeClock();
    return { clock, tenant: newTenant(), ...(await open(clock)) };
  };

  personsContract(name, setUp);
  enrolmentContract(name, setUp);
  facesContract(name, setUp);
  appearancesContract(name, setUp);
  deletionContract(name, setUp);
  retentionContract(name, setUp);
  jobsContract(name, setUp);
  uploadsContract(name, setUp);
  deadLettersContract(name, setUp);
  galleryEpochContract(name, setUp);
  usageContract(name, setUp);
  outboxContract(name, setUp);

  describe(`${name}: the whole store`, () => {
    it('When a page token was changed or belongs to another listing, then it is PAGE_TOKEN_INVALID', async () => {
      const { records, tenant } = await setUp();
      const { person, image, faces } = newEnrolment(3);
      await records.saveEnrolment(tenant, { person, image, faces });
      await records.createPerson(tenant, newPerson());
      const personToken = (await records.listPersons(tenant, { limit: 1 })).next!;
      const faceToken = (await records.listFaces(tenant, { personId: person.personId }, { limit: 1 })).next!;
      const invalid = { code: 'PAGE_TOKEN_INVALID' };

      expect(personToken.length).toBeLessThanOrEqual(512);
      for (let i = 0; i < personToken.length; i++) {
        const changed = personToken[i] === 'A' ? 'B' : 'A';
        const after = personToken.slice(0, i) + changed + personToken.slice(i + 1);
        await expect(records.listPersons(tenant, { limit: 1, after })).rejects.toMatchObject(invalid);
      }
      for (const after of ['', 'x', `${personToken}=`, ` ${personToken}`, personToken.slice(0, -1), faceToken]) {
        await expect(records.listPersons(tenant, { limit: 1, after })).rejects.toMatchObject(invalid);
      }
      await expect(records.listPersons(newTenant(), { limit: 1, after: personToken })).rejects.toMatchObject(invalid);
      await expect(records.listFaces(tenant, {}, { limit: 1, after: faceToken })).rejects.toMatchObject(invalid);
      await expect(
        records.listFaces(tenant, { personId: person.personId }, { limit: 1, after: faceToken }),
      ).resolves.toBeTruthy();
    });

    it('When the signal is already aborted, then the call rejects with its reason and changes nothing', async () => {
      const { records, tenant } = await setUp();
      const signal = AbortSignal.abort(new Error('gone'));
      const person = newPerson();

      await expect(records.createPerson(tenant, person, { signal })).rejects.toThrow('gone');
      await expect(records.getPersons(tenant, [person.personId], { signal })).rejects.toThrow('gone');

      expect(await records.getPersons(tenant, [person.personId])).toEqual([]);
    });

    it('When the store is reopened, then all rows are there and old page tokens are still valid', async () => {
      const { records, tenant, reopen } = await setUp();
      const enrolment = newEnrolment(2);
      await records.saveEnrolment(tenant, enrolment);
      const before = await records.listFaces(tenant, {}, { limit: 1 });

      const again = await reopen();

      const rest = await again.listFaces(tenant, {}, { limit: 1, after: before.next! });
      expect([...before.items, ...rest.items].map((face) => face.faceId).toSorted()).toEqual(
        enrolment.faces.map((face) => face.faceId).toSorted(),
      );
    });
  });
}
