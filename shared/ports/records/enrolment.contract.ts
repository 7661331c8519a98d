import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newEnrolment, newFace, newImage, newJob, newPerson, newTenant } from '../../testing/record-factories.ts';
import { newOutboxEntry, type RecordsSetUp } from '../../testing/records-subject.ts';
import type { NewFace } from './faces.ts';

export function enrolmentContract(name: string, setUp: RecordsSetUp): void {
  describe(`${name}: enrolment`, () => {
    it('When an enrolment is saved, then person, image and faces can be read with all fields', async () => {
      const { records, tenant, clock } = await setUp();
      const { person, image, faces } = newEnrolment(2);

      const { durable, ...saved } = await records.saveEnrolment(tenant, { person, image, faces });
      await durable;

      const createdAt = clock.now();
      const stored = faces.map((face) => ({ ...face, imageId: image.imageId, createdAt }));
      expect(saved).toEqual({
        image: { ...image, createdAt, expiredAt: null },
        imageCreated: true,
        personCreated: true,
        faces: stored.map((face) => ({ face, created: true })),
      });
      expect(await records.getImage(tenant, image.imageId)).toEqual({ ...image, createdAt, expiredAt: null });
      const read = await records.getFaces(
        tenant,
        faces.map((face) => face.faceId),
      );
      expect(read).toHaveLength(2);
      expect(read).toEqual(expect.arrayContaining(stored));
      expect((await records.getPersons(tenant, [person.personId]))[0]?.faceCount).toBe(2);
      expect(await records.getFaces(newTenant(), [faces[0]!.faceId])).toEqual([]);
      expect(await records.getImage(newTenant(), image.imageId)).toBeNull();
    });

    it('When an enrolment is saved again, then nothing changes and the first image is returned', async () => {
      const { records, tenant, clock } = await setUp();
      const enrolment = newEnrolment(2);
      const first = await records.saveEnrolment(tenant, enrolment);
      await clock.advance(5000);

      const { durable: _, ...again } = await records.saveEnrolment(tenant, {
        ...enrolment,
        image: { ...enrolment.image, blobKey: 'another-key' },
      });

      expect(again).toEqual({
        image: first.image,
        imageCreated: false,
        personCreated: false,
        faces: first.faces.map(({ face }) => ({ face, created: false })),
      });
      expect((await records.getPersons(tenant, [enrolment.person.personId]))[0]).toMatchObject({
        faceCount: 2,
        version: 1,
      });
    });

    it('When an enrolment is saved several times at once, then it is stored once', async () => {
      const { records, tenant } = await setUp();
      const enrolment = newEnrolment(3);

      const saved = await Promise.all([1, 2, 3, 4].map(() => records.saveEnrolment(tenant, enrolment)));

      expect(saved.filter(({ personCreated }) => personCreated)).toHaveLength(1);
      expect(saved.filter(({ imageCreated }) => imageCreated)).toHaveLength(1);
      expect((await records.listFaces(tenant, {}, { limit: 10 })).items).toHaveLength(3);
    });

    it('When a face names a person that does not exist, then nothing of the enrolment is written', async () => {
      const { records, tenant } = await setUp();
      const image = newImage();
      const faces = [newFace(), newFace({ personId: randomUUID() })];

      const saving = records.saveEnrolment(tenant, { person: null, image, faces }, { outbox: [newOutboxEntry()] });

      await expect(saving).rejects.toMatchObject({ code: 'PERSON_NOT_FOUND' });
      expect(await records.getImage(tenant, image.imageId)).toBeNull();
      expect((await records.listFaces(tenant, {}, { limit: 10 })).items).toEqual([]);
    });

    it('When the new person’s external id is taken, then nothing of the enrolment is written', async () => {
      const { records, tenant } = await setUp();
      await records.createPerson(tenant, newPerson({ externalId: 'taken' }));
      const enrolment = newEnrolment();

      const saving = records.saveEnrolment(tenant, {
        ...enrolment,
        person: { ...enrolment.person, externalId: 'taken' },
      });

      await expect(saving).rejects.toMatchObject({ code: 'EXTERNAL_ID_TAKEN' });
      expect(await records.getPersons(tenant, [enrolment.person.personId])).toEqual([]);
      expect((await records.listImages(tenant, { limit: 10 })).items).toEqual([]);
    });

    it('When an unknown face is enrolled for a person, then the face belongs to this person', async () => {
      const { records, tenant } = await setUp();
      const face = newFace();
      const image = newImage();
      await records.saveEnrolment(tenant, { person: null, image, faces: [face] });
      const person = newPerson();

      const saved = await records.saveEnrolment(tenant, {
        person,
        image,
        faces: [{ ...face, personId: person.personId, similarity: 0.8 }],
      });

      expect(saved.faces[0]).toMatchObject({ created: false, face: { personId: person.personId, similarity: 0.8 } });
      expect(await records.getFaces(tenant, [face.faceId])).toEqual([saved.faces[0]!.face]);
    });

    it('When a face belongs to another person, then its enrolment is FACE_OF_OTHER_PERSON and nothing is written', async () => {
      const { records, tenant } = await setUp();
      const first = newEnrolment();
      await records.saveEnrolment(tenant, first);
      const other = newPerson();

      const saving = records.saveEnrolment(tenant, {
        person: other,
        image: first.image,
        faces: [newFace({ personId: other.personId }), { ...first.faces[0]!, personId: other.personId }],
      });

      await expect(saving).rejects.toMatchObject({
        code: 'FACE_OF_OTHER_PERSON',
        details: { person_id: expect.any(String) },
      });
      expect(await records.getPersons(tenant, [other.personId])).toEqual([]);
      expect((await records.listFaces(tenant, {}, { limit: 10 })).items).toHaveLength(1);
    });

    it('When the same photo was just enrolled for a new person with the same external id, then the error is EXTERNAL_ID_TAKEN', async () => {
      const { records, tenant } = await setUp();
      const photo = newEnrolment();
      const first = { ...photo, person: { ...photo.person, externalId: 'employee/7' } };
      await records.saveEnrolment(tenant, first);
      const again = newPerson({ externalId: 'employee/7' });

      const saving = records.saveEnrolment(tenant, {
        person: again,
        image: first.image,
        faces: [{ ...first.faces[0]!, personId: again.personId }],
      });

      await expect(saving).rejects.toMatchObject({ code: 'EXTERNAL_ID_TAKEN' });
      expect(await records.getPersons(tenant, [again.personId])).toEqual([]);
    });

    it('When a face belongs to another person in another space, then it is FACE_OF_OTHER_PERSON, stored or not', async () => {
      const { records, tenant } = await setUp();
      const first = newEnrolment();
      await records.saveEnrolment(tenant, first);
      const { left, top, width, height } = first.faces[0]!.box;
      const seenOtherwise = newFace({ space: 'other-512.p1', box: { left, top, width: width * 0.8, height } });
      await records.saveEnrolment(tenant, { person: null, image: first.image, faces: [seenOtherwise] });
      const other = newPerson();
      const enrolling = (face: NewFace) =>
        records.saveEnrolment(tenant, {
          person: other,
          image: first.image,
          faces: [{ ...face, personId: other.personId }],
        });

      const refusal = { code: 'FACE_OF_OTHER_PERSON', details: { face_id: first.faces[0]!.faceId } };
      await expect(enrolling(newFace({ space: 'third-128.p1' }))).rejects.toMatchObject(refusal);
      await expect(enrolling(seenOtherwise)).rejects.toMatchObject(refusal);
      expect(await records.getPersons(tenant, [other.personId])).toEqual([]);

      const elsewhere = { left: left + 2 * width, top, width, height };
      await enrolling(newFace({ space: 'other-512.p1', box: elsewhere }));
      expect((await records.getPersons(tenant, [other.personId]))[0]?.faceCount).toBe(1);
    });

    it('When faces of one image are enrolled for a person with two packs, then each face counts once', async () => {
      const { records, tenant } = await setUp();
      const first = newEnrolment(2);
      const { personId } = first.person;
      await records.saveEnrolment(tenant, first);
      const other = newFace({ space: 'other-512.p1', personId });

      await records.saveEnrolment(tenant, { person: null, image: first.image, faces: [other] });
      await records.saveEnrolment(tenant, { person: null, image: newImage(), faces: [newFace({ personId })] });

      expect((await records.getPersons(tenant, [personId]))[0]?.faceCount).toBe(3);
      expect((await records.listPersons(tenant, { limit: 10 })).items[0]?.faceCount).toBe(3);
      expect((await records.deletePerson(tenant, personId))?.faceIds).toHaveLength(4);
    });

    it('When a face that has a person is saved again without one, then it keeps its person', async () => {
      const { records, tenant } = await setUp();
      const first = newEnrolment();
      await records.saveEnrolment(tenant, first);

      const saved = await records.saveEnrolment(tenant, {
        person: null,
        image: first.image,
        faces: [{ ...first.faces[0]!, personId: null }],
      });

      expect(saved.faces[0]?.face.personId).toBe(first.person.personId);
    });

    it('When a job is finished or does not exist, then no enrolment is saved for it', async () => {
      const { records, tenant } = await setUp();
      const [ada, bob, eve] = [newEnrolment(), newEnrolment(), newEnrolment()];
      const [done, open] = [await records.createJob(tenant, newJob()), await records.createJob(tenant, newJob())];
      await records.finishJob(tenant, done.jobId, { status: 'completed', personId: null, result: {} });

      const refused = await Promise.allSettled([
        records.saveEnrolment(tenant, { ...ada, jobId: done.jobId }, { outbox: [newOutboxEntry()] }),
        records.saveEnrolment(tenant, { ...bob, jobId: randomUUID() }),
      ]);

      for (const each of refused) expect(each).toMatchObject({ reason: { code: 'VERSION_CONFLICT' } });
      expect((await records.saveEnrolment(tenant, { ...eve, jobId: open.jobId })).imageCreated).toBe(true);
      expect((await records.listFaces(tenant, {}, { limit: 9 })).items).toHaveLength(eve.faces.length);
      expect((await records.listPersons(tenant, { limit: 9 })).items).toHaveLength(1);
    });
  });
}
