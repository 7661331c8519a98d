import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newEnrolment, newFace, newImage, newJob, newPerson, newTenant } from '../../testing/record-factories.ts';
import { allPages, newOutboxEntry, type RecordsSetUp } from '../../testing/records-subject.ts';

const digest = (digit: string): string => digit.repeat(64);
const refused = { code: 'PERSON_ERASED' };

export function erasuresContract(name: string, setUp: RecordsSetUp): void {
  describe(`${name}: erasures`, () => {
    it('When a person was erased, then no write creates or names a person with this id, also after a restart', async () => {
      const { records: first, tenant, reopen } = await setUp();
      const person = newPerson({ externalId: 'ada' });
      await first.createPerson(tenant, person);
      await first.deletePerson(tenant, person.personId);
      const records = await reopen();
      const { personId } = person;
      const outbox = [newOutboxEntry()];
      const [known, job] = [await records.createPerson(tenant, newPerson()), newJob({ personId })];

      const writes = [
        () => records.createPerson(tenant, person, { outbox }),
        () => records.updatePerson(tenant, personId, { name: 'x' }, { outbox }),
        () => records.saveEnrolment(tenant, { ...newEnrolment(), person, faces: [newFace({ personId })] }, { outbox }),
        () => records.saveEnrolment(tenant, { ...newEnrolment(), person: null, faces: [newFace({ personId })] }),
        () => records.createJob(tenant, job, { outbox }),
        () => records.createJobs(tenant, [{ job, outbox }]),
      ];
      for (const write of writes) await expect(write()).rejects.toMatchObject(refused);

      expect(await records.deletePerson(tenant, personId)).toBeNull();
      expect(await records.getPersons(tenant, [personId])).toEqual([]);
      expect(await records.getJob(tenant, job.jobId)).toBeNull();
      expect((await records.listPersons(tenant, { limit: 9 })).items).toEqual([known]);
      expect((await records.listImages(tenant, { limit: 9 })).items).toEqual([]);
      expect(await records.erasedPersons(tenant, [personId, known.personId, 'nobody'])).toEqual([personId]);
    });

    it('When a person was erased, then another person can have its external id, and another tenant its id', async () => {
      const { records, tenant } = await setUp();
      const person = newPerson({ externalId: 'ada' });
      await records.createPerson(tenant, person);
      await records.deletePerson(tenant, person.personId);
      const other = newTenant();

      const heir = await records.createPerson(tenant, newPerson({ externalId: 'ada' }));
      const namesake = await records.createPerson(other, person);

      expect(await records.getPersonsByExternalIds(tenant, ['ada'])).toEqual([heir]);
      expect(await records.erasedPersons(other, [person.personId])).toEqual([]);
      expect(await records.getPersons(other, [person.personId])).toEqual([namesake]);
    });

    it('When the creation of a person is undone, then its id and its photo can be used again', async () => {
      const { records, tenant } = await setUp();
      const enrolment = newEnrolment();
      await records.saveEnrolment(tenant, enrolment);

      const undone = await records.deletePerson(tenant, enrolment.person.personId, { undo: true });
      const again = await records.saveEnrolment(tenant, { ...enrolment, fromUpload: true });

      expect(undone).toMatchObject({ faceIds: [enrolment.faces[0]!.faceId], contents: 0 });
      expect(again.personCreated).toBe(true);
      expect((await records.listErasures(tenant, { limit: 9 })).items).toEqual([]);
    });

    it('When a person is erased and written by many calls at once, then the person does not exist afterwards', async () => {
      const { records, tenant } = await setUp();
      for (let round = 0; round < 10; round++) {
        const person = newPerson({ externalId: `e-${round}` });
        const { personId } = person;
        await records.createPerson(tenant, person);
        const enrolments = Array.from({ length: 4 }, () => ({
          person,
          image: newImage({ digest: digest(String(round)) }),
          faces: [newFace({ personId })],
        }));
        const jobs = Array.from({ length: 4 }, () => newJob({ personId }));
        const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 4));

        const outcomes = await Promise.allSettled([
          ...enrolments.map((enrolment) => pause().then(() => records.saveEnrolment(tenant, enrolment))),
          ...jobs.map((job) => pause().then(() => records.createJob(tenant, job))),
          pause().then(() => records.updatePerson(tenant, personId, { name: 'x' })),
          pause().then(() => records.createPerson(tenant, person)),
          pause().then(() => records.deletePerson(tenant, personId)),
        ]);

        for (const outcome of outcomes)
          if (outcome.status === 'rejected')
            expect(['PERSON_ERASED', 'PERSON_EXISTS']).toContain((outcome.reason as { code: string }).code);
        expect(outcomes.at(-1)).toMatchObject({ status: 'fulfilled', value: { person: { personId } } });
        expect(await records.getPersons(tenant, [personId])).toEqual([]);
        expect((await records.listFaces(tenant, {}, { limit: 9 })).items).toEqual([]);
        expect((await records.listImages(tenant, { limit: 9 })).items).toEqual([]);
        expect((await records.listJobs(tenant, {}, { limit: 9 })).items).toEqual([]);
      }
    });

    it('When a person was erased, then files cannot enrol its photos, until a client enrols them', async () => {
      const { records, tenant } = await setUp();
      const [own, shared] = [newImage({ digest: digest('a') }), newImage({ digest: digest('b') })];
      const [person, other] = [newPerson(), newPerson()];
      await records.saveEnrolment(tenant, { person, image: own, faces: [newFace({ personId: person.personId })] });
      const both = [person, other].map(({ personId }) => newFace({ personId }));
      await records.saveEnrolment(tenant, { person: other, image: shared, faces: both });
      const waiting = newJob({ personId: person.personId, request: { source: { path: 'x', digest: digest('c') } } });
      await records.createJob(tenant, waiting);
      await records.createJob(tenant, newJob({ personId: person.personId, request: { digest: digest('c') } }));
      const unknown = (image: typeof own) => ({ person: null, image, faces: [newFace()] });

      const removed = await records.deletePerson(tenant, person.personId);

      const isErased = () =>
        Promise.all(['a', 'b', 'c', 'd'].map((digit) => records.isContentErased(tenant, digest(digit))));
      expect(removed?.contents).toBe(3);
      expect(await isErased()).toEqual([true, true, true, false]);
      for (const image of [own, shared]) {
        const saving = records.saveEnrolment(tenant, { ...unknown(image), fromUpload: true });
        await expect(saving).rejects.toMatchObject({ code: 'ERASED' });
      }
      expect(await records.isContentErased(newTenant(), digest('a'))).toBe(false);
      await records.saveEnrolment(newTenant(), { ...unknown(own), fromUpload: true });
      await records.saveEnrolment(tenant, unknown(own));
      expect(await isErased()).toEqual([false, true, true, false]);
      await records.saveEnrolment(tenant, { ...unknown(own), fromUpload: true });
    });

    it('When a face is deleted, then its photo is marked only if the deletion blocks it', async () => {
      const { records, tenant } = await setUp();
      const faces = [newFace(), newFace()];
      const image = newImage({ digest: digest('f') });
      await records.saveEnrolment(tenant, { person: null, image, faces });

      await records.deleteFace(tenant, faces[0]!.faceId);
      const unblocked = await records.isContentErased(tenant, digest('f'));
      await records.deleteFace(tenant, faces[1]!.faceId, { blocks: true });
      const blocked = await records.isContentErased(tenant, digest('f'));

      expect([unblocked, blocked]).toEqual([false, true]);
    });

    it('When erasures are listed, then each mark is returned once and oldest first, and no mark has the plain digest', async () => {
      const { records, tenant, clock } = await setUp();
      const ids: string[] = [];
      for (const digit of ['1', '2', '3']) {
        const { person, faces } = newEnrolment();
        await records.saveEnrolment(tenant, { person, image: newImage({ digest: digest(digit) }), faces });
        await records.deletePerson(tenant, person.personId);
        ids.push(person.personId);
        await clock.advance(10);
      }

      const pages = await allPages((options) => records.listErasures(tenant, options), 2);

      const marks = pages.flatMap(({ items }) => items);
      const subjects = marks.map(({ subject }) => subject);
      expect(pages.map(({ items }) => items.length)).toEqual([2, 2, 2]);
      expect(subjects.filter((subject) => subject.startsWith('person/'))).toEqual(ids.map((id) => `person/${id}`));
      expect(subjects.filter((subject) => /^content\/[0-9a-f]{64}$/.test(subject))).toHaveLength(3);
      expect(JSON.stringify(marks)).not.toMatch(/1{64}|2{64}|3{64}/);
      expect(marks.map(({ at }) => at)).toEqual(marks.map(({ at }) => at).toSorted((a, b) => a - b));
      expect(await records.erasureKey()).toMatch(/^[0-9a-f]{64}$/);
      expect((await records.listErasures(newTenant(), { limit: 9 })).items).toEqual([]);
      expect(await records.erasedPersons(tenant, [randomUUID()])).toEqual([]);
    });
  });
}
