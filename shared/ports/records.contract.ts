import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Location } from '../domain/face.ts';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import {
  newEnrolment,
  newEvent,
  newFace,
  newImage,
  newJob,
  newPerson,
  newTenant,
} from '../testing/record-factories.ts';
import type {
  AppearanceFilter,
  Enrolment,
  Face,
  Job,
  NewFace,
  Page,
  PageOptions,
  Records,
  StoredDeadLetter,
} from './records.ts';
import { mostUnderWayMs } from './records.ts';
import type { Tenant } from './tenant.ts';

export interface RecordsSubject {
  readonly records: Records;
  /** Closes it and opens the same data again. */
  reopen(): Promise<Records>;
}

/** What every `Records` must do. `open` gives one that is closed when the test ends; data of other tenants may be there. */
export function recordsContract({ name, open }: { name: string; open: (clock: FakeClock) => Promise<RecordsSubject> }) {
  const setUp = async () => {
    const clock = fakeClock();
    return { clock, tenant: newTenant(), ...(await open(clock)) };
  };

  describe(`${name}: usage`, () => {
    it('When rows come and go, then a tenant is told what it holds, also after it was opened again', async () => {
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

    it('When faces without a person come, get one, or go, then so many are counted', async () => {
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

    it('When a write is refused, then it counts for nothing', async () => {
      const { records, tenant } = await setUp();
      const stranger = newFace({ personId: randomUUID() });

      const refused = records.saveEnrolment(tenant, { ...newEnrolment(1), faces: [stranger] });

      await expect(refused).rejects.toMatchObject({ code: 'PERSON_NOT_FOUND' });
      expect(await records.usage(tenant)).toEqual({ persons: 0, faces: 0, bytes: 0 });
    });
  });

  describe(`${name}: the gallery's epoch`, () => {
    it('When a person changes, or somebody or some face goes, then it is another one, for that tenant alone', async () => {
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

    it('When nothing changes, or what is asked for is not there, then it stays', async () => {
      const { records, tenant } = await setUp();
      await records.raiseEpoch(tenant);
      const { epoch } = await records.galleryEpoch(tenant);

      await records.deletePerson(tenant, randomUUID());
      await records.deleteFace(tenant, randomUUID());
      await records.updatePerson(tenant, randomUUID(), { name: 'nobody' }).catch(() => undefined);

      expect((await records.galleryEpoch(tenant)).epoch).toBe(epoch);
    });
  });

  describe(`${name}: persons`, () => {
    it('When a person is created, then it reads back whole and only for its tenant', async () => {
      const { records, tenant, clock } = await setUp();
      const person = newPerson({
        externalId: 'employee/7 Ü',
        consent: { basis: 'contract', given_at: '2026-01-01T00:00:00Z' },
      });

      const created = await records.createPerson(tenant, person);

      const whole = { ...person, faceCount: 0, createdAt: clock.now(), updatedAt: clock.now(), version: 1 };
      expect(created).toEqual(whole);
      expect(await records.getPersons(tenant, [randomUUID(), person.personId])).toEqual([whole]);
      expect(await records.getPersonsByExternalIds(tenant, ['employee/7 Ü', 'other'])).toEqual([whole]);
      const identity = (({ personId, externalId, name: called, consent }) => ({
        personId,
        externalId,
        name: called,
        consent,
      }))(person);
      expect(await records.getIdentities(tenant, { personIds: [randomUUID(), person.personId] })).toEqual([identity]);
      expect(await records.getIdentities(tenant, { externalIds: ['employee/7 Ü', 'other'] })).toEqual([identity]);
      const other = newTenant();
      expect(await records.getPersons(other, [person.personId])).toEqual([]);
      expect(await records.getIdentities(other, { personIds: [person.personId] })).toEqual([]);
      expect(await records.getIdentities(other, { externalIds: ['employee/7 Ü'] })).toEqual([]);
      expect(await records.getPersonsByExternalIds(other, ['employee/7 Ü'])).toEqual([]);
      expect((await records.listPersons(other, { limit: 10 })).items).toEqual([]);
    });

    it('When two concurrent calls create one external id, then exactly one wins', async () => {
      const { records, tenant } = await setUp();

      const outcomes = await Promise.allSettled(
        [1, 2, 3, 4].map(() => records.createPerson(tenant, newPerson({ externalId: 'one' }))),
      );

      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'EXTERNAL_ID_TAKEN' });
      }
      expect((await records.listPersons(tenant, { limit: 10 })).items).toHaveLength(1);
    });

    it('When two tenants use one external id and one person id, then both have it', async () => {
      const { records, tenant } = await setUp();
      const person = newPerson({ externalId: 'same' });

      await records.createPerson(tenant, person);
      const second = await records.createPerson(newTenant(), person);

      expect(second.version).toBe(1);
    });

    it('When a person id exists, then creating it again is PERSON_EXISTS and changes nothing', async () => {
      const { records, tenant } = await setUp();
      const person = newPerson({ name: 'first' });
      await records.createPerson(tenant, person);

      const again = records.createPerson(tenant, { ...person, name: 'second' });

      await expect(again).rejects.toMatchObject({ code: 'PERSON_EXISTS' });
      expect((await records.getPersons(tenant, [person.personId]))[0]?.name).toBe('first');
    });

    it('When a person is updated, then only what was given changes and the version grows by one', async () => {
      const { records, tenant, clock } = await setUp();
      const created = await records.createPerson(tenant, newPerson({ externalId: 'x' }));
      await clock.advance(1000);

      const updated = await records.updatePerson(tenant, created.personId, { name: null, metadata: { a: 1 } });

      expect(updated).toEqual({ ...created, name: null, metadata: { a: 1 }, version: 2, updatedAt: clock.now() });
      expect(await records.getPersons(tenant, [created.personId])).toEqual([updated]);
    });

    it('When an update changes nothing, then version and time stay', async () => {
      const { records, tenant, clock } = await setUp();
      const created = await records.createPerson(tenant, newPerson());
      await clock.advance(1000);

      const updated = await records.updatePerson(tenant, created.personId, {
        name: created.name,
        metadata: created.metadata,
      });

      expect(updated).toEqual(created);
    });

    it('When an update names another version, another person’s external id or nobody, then it is refused', async () => {
      const { records, tenant } = await setUp();
      await records.createPerson(tenant, newPerson({ externalId: 'taken' }));
      const person = await records.createPerson(tenant, newPerson({ externalId: 'mine' }));

      const change = (id: string, changes: { externalId?: string; name?: string }, version?: number) =>
        records.updatePerson(tenant, id, changes, { version });

      await expect(change(person.personId, { name: 'n' }, 2)).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
      await expect(change(person.personId, { externalId: 'taken' })).rejects.toMatchObject({
        code: 'EXTERNAL_ID_TAKEN',
      });
      await expect(change(randomUUID(), { name: 'n' })).rejects.toMatchObject({ code: 'PERSON_NOT_FOUND' });
      expect(await records.getPersons(tenant, [person.personId])).toEqual([person]);
    });

    it('When a change of a person is given up before it is made, then nothing is left of it', async () => {
      const { records, tenant } = await setUp();
      const person = await records.createPerson(tenant, newPerson());
      const controller = new AbortController();

      const updating = records.updatePerson(
        tenant,
        person.personId,
        { externalId: 'badge' },
        { signal: controller.signal },
      );
      controller.abort(new Error('gone'));

      await expect(updating).rejects.toThrow('gone');
      const other = await records.createPerson(tenant, newPerson({ externalId: 'badge' }));
      expect(await records.getPersons(tenant, [person.personId])).toEqual([person]);
      expect(await records.getPersonsByExternalIds(tenant, ['badge'])).toEqual([other]);
    });

    it('When an external id is given up, then another person can take it', async () => {
      const { records, tenant } = await setUp();
      const first = await records.createPerson(tenant, newPerson({ externalId: 'badge' }));
      await records.updatePerson(tenant, first.personId, { externalId: null });

      const second = await records.createPerson(tenant, newPerson({ externalId: 'badge' }));

      expect(await records.getPersonsByExternalIds(tenant, ['badge'])).toEqual([second]);
    });
  });

  describe(`${name}: enrolments`, () => {
    it('When an enrolment is saved, then person, image and faces read back whole', async () => {
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

    it('When the same enrolment is saved again, then nothing changes and the first image is given back', async () => {
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

    it('When the same enrolment is saved many times at once, then it is there once', async () => {
      const { records, tenant } = await setUp();
      const enrolment = newEnrolment(3);

      const saved = await Promise.all([1, 2, 3, 4].map(() => records.saveEnrolment(tenant, enrolment)));

      expect(saved.filter(({ personCreated }) => personCreated)).toHaveLength(1);
      expect(saved.filter(({ imageCreated }) => imageCreated)).toHaveLength(1);
      expect((await records.listFaces(tenant, {}, { limit: 10 })).items).toHaveLength(3);
    });

    it('When a face names a missing person, then nothing of the enrolment is written', async () => {
      const { records, tenant } = await setUp();
      const image = newImage();
      const faces = [newFace(), newFace({ personId: randomUUID() })];

      const saving = records.saveEnrolment(tenant, { person: null, image, faces }, { outbox: [entry()] });

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

    it('When a face without a person is enrolled for one, then it is given that person', async () => {
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

    it('When a face belongs to somebody else, then enrolling it is FACE_OF_OTHER_PERSON and nothing is written', async () => {
      const { records, tenant } = await setUp();
      const first = newEnrolment();
      await records.saveEnrolment(tenant, first);
      const thief = newPerson();

      const saving = records.saveEnrolment(tenant, {
        person: thief,
        image: first.image,
        faces: [newFace({ personId: thief.personId }), { ...first.faces[0]!, personId: thief.personId }],
      });

      await expect(saving).rejects.toMatchObject({ code: 'FACE_OF_OTHER_PERSON' });
      expect(await records.getPersons(tenant, [thief.personId])).toEqual([]);
      expect((await records.listFaces(tenant, {}, { limit: 10 })).items).toHaveLength(1);
    });

    it('When the same photo came with somebody new of the same external id a moment before, then that is what is said', async () => {
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

    it('When the face belongs to somebody else under other networks, then it is FACE_OF_OTHER_PERSON, also when it is there unnamed', async () => {
      const { records, tenant } = await setUp();
      const first = newEnrolment();
      await records.saveEnrolment(tenant, first);
      const { left, top, width, height } = first.faces[0]!.box;
      const seenOtherwise = newFace({ space: 'other-512.p1', box: { left, top, width: width * 0.8, height } });
      await records.saveEnrolment(tenant, { person: null, image: first.image, faces: [seenOtherwise] });
      const thief = newPerson();
      const stealing = (face: NewFace) =>
        records.saveEnrolment(tenant, {
          person: thief,
          image: first.image,
          faces: [{ ...face, personId: thief.personId }],
        });

      const refusal = { code: 'FACE_OF_OTHER_PERSON', details: { face_id: first.faces[0]!.faceId } };
      await expect(stealing(newFace({ space: 'third-128.p1' }))).rejects.toMatchObject(refusal);
      await expect(stealing(seenOtherwise)).rejects.toMatchObject(refusal);
      expect(await records.getPersons(tenant, [thief.personId])).toEqual([]);

      const elsewhere = { left: left + 2 * width, top, width, height };
      await stealing(newFace({ space: 'other-512.p1', box: elsewhere }));
      expect((await records.getPersons(tenant, [thief.personId]))[0]?.faceCount).toBe(1);
    });

    it('When faces of an image are enrolled for a person with two packs, then each counts once', async () => {
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

    it('When a face of somebody is saved again without a person, then it keeps its person', async () => {
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
  });

  describe(`${name}: deletion`, () => {
    it('When a person is deleted, then its faces and the images only it is on are gone, and the rest stays', async () => {
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

    it('When another tenant deletes the same ids, then nothing happens here', async () => {
      const { records, tenant } = await setUp();
      const { person, image, faces } = newEnrolment();
      await records.saveEnrolment(tenant, { person, image, faces });

      expect(await records.deletePerson(newTenant(), person.personId)).toBeNull();
      expect(await records.deleteFace(newTenant(), faces[0]!.faceId)).toBeNull();

      expect((await records.getPersons(tenant, [person.personId]))[0]?.faceCount).toBe(1);
    });

    it('When a person with many faces is deleted, then nobody sees half of it and other work goes on', async () => {
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

    it('When a deletion is aborted, then everything is still there', async () => {
      const { records, tenant } = await setUp();
      const { person, image, faces } = newEnrolment(900);
      await records.saveEnrolment(tenant, { person, image, faces });
      const controller = new AbortController();

      const deletion = records.deletePerson(tenant, person.personId, { signal: controller.signal });
      setImmediate(() => controller.abort(new Error('enough')));

      await expect(deletion).rejects.toThrow('enough');
      expect((await records.getPersons(tenant, [person.personId]))[0]?.faceCount).toBe(900);
    });

    it('When the last face of an image is deleted, then the image goes with it, and not before', async () => {
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
  });

  describe(`${name}: lists`, () => {
    it('When persons are listed page by page, then all come once, oldest first', async () => {
      const { records, tenant, clock } = await setUp();
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) {
        ids.push((await records.createPerson(tenant, newPerson())).personId);
        await clock.advance(10);
      }

      const pages = await allPages((options) => records.listPersons(tenant, options), 3);

      expect(pages.map((page) => page.items.length)).toEqual([3, 3, 1]);
      expect(pages.flatMap((page) => page.items.map((person) => person.personId))).toEqual(ids);
    });

    it('When persons come and go during a listing, then those that stay are seen exactly once', async () => {
      const { records, tenant } = await setUp();
      // The same moment for all: the order among them is that of their ids.
      const create = async () => (await records.createPerson(tenant, newPerson())).personId;
      const staying = await Promise.all(Array.from({ length: 20 }, create));
      const leaving = await Promise.all(Array.from({ length: 20 }, create));

      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await records.listPersons(tenant, { limit: 3, after });
        seen.push(...page.items.map((person) => person.personId));
        after = page.next ?? undefined;
        await create();
        await records.deletePerson(tenant, leaving.pop()!);
      } while (after !== undefined && leaving.length > 0);
      for (const page of after === undefined ? [] : await allPages((o) => records.listPersons(tenant, o), 50, after)) {
        seen.push(...page.items.map((person) => person.personId));
      }

      expect(new Set(seen).size).toBe(seen.length);
      expect(staying.filter((id) => !seen.includes(id))).toEqual([]);
    });

    it('When the row a page ended with is deleted, then its token still continues', async () => {
      const { records, tenant, clock } = await setUp();
      const ids: string[] = [];
      for (let i = 0; i < 4; i++) {
        ids.push((await records.createPerson(tenant, newPerson())).personId);
        await clock.advance(10);
      }
      const first = await records.listPersons(tenant, { limit: 2 });
      await records.deletePerson(tenant, ids[1]!);

      const second = await records.listPersons(tenant, { limit: 2, after: first.next! });

      expect(second.items.map((person) => person.personId)).toEqual(ids.slice(2));
      expect(second.next).toBeNull();
    });

    it('When faces are listed, then newest come first and the filters hold', async () => {
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

    it('When the time of an image is over, then it keeps its record without bytes, and is not given up twice', async () => {
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

    it('When faces of nobody are asked for by age, then those and no others come, oldest first', async () => {
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

    it('When images are listed, then oldest come first', async () => {
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

    it('When a page token was tampered with or comes from another listing, then it is PAGE_TOKEN_INVALID', async () => {
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
  });

  describe(`${name}: appearances`, () => {
    /** Faces of one new person, each on an image of its own. */
    const appear = async (
      records: Records,
      tenant: Tenant,
      sightings: readonly { at: number | null; location?: Location | null }[],
    ) => {
      const person = newPerson();
      const faceIds: string[] = [];
      for (const { at, location = null } of sightings) {
        const face = newFace({ personId: person.personId, capturedAt: at, location });
        await records.saveEnrolment(tenant, { person, image: newImage(), faces: [face] });
        faceIds.push(face.faceId);
      }
      return { personId: person.personId, faceIds };
    };
    const oldest = { order: 'oldest-first', limit: 10 } as const;
    const ids = (page: Page<Face>) => page.items.map(({ faceId }) => faceId);

    it('When a person was seen, then both orders are by the time of the photo, or of the enrolment where it has none', async () => {
      const { records, tenant, clock } = await setUp();
      const now = clock.now();
      const { personId, faceIds } = await appear(records, tenant, [
        { at: now + 1000 },
        { at: null },
        { at: now - 1000 },
      ]);
      await appear(records, tenant, [{ at: now }]);
      const inTime = [faceIds[2], faceIds[1], faceIds[0]];

      const list = (options: typeof oldest | { order: 'newest-first'; limit: number }) =>
        records.listAppearances(tenant, personId, {}, options);

      expect(ids(await list(oldest))).toEqual(inTime);
      expect(ids(await list({ order: 'newest-first', limit: 10 }))).toEqual(inTime.toReversed());
      expect((await list(oldest)).items[0]).toEqual((await records.getFaces(tenant, [faceIds[2]!]))[0]);
      expect(ids(await records.listAppearances(newTenant(), personId, {}, oldest))).toEqual([]);
      expect(await records.summarizeAppearances(tenant, personId, {})).toEqual({
        count: 3,
        first: now - 1000,
        last: now + 1000,
        cells: [],
      });
    });

    it('When times bound the list, then the first moment is in it and the last is not', async () => {
      const { records, tenant } = await setUp();
      const { personId, faceIds } = await appear(records, tenant, [{ at: 10 }, { at: 20 }, { at: 30 }]);

      const between = { from: 10, to: 30 };

      expect(ids(await records.listAppearances(tenant, personId, between, oldest))).toEqual(faceIds.slice(0, 2));
      expect(await records.summarizeAppearances(tenant, personId, between)).toMatchObject({ count: 2, last: 20 });
    });

    it('When many appearances of one moment are listed page by page, then each comes once, in both orders', async () => {
      const { records, tenant } = await setUp();
      const person = newPerson();
      const faces = Array.from({ length: 25 }, () => newFace({ personId: person.personId, capturedAt: 5 }));
      await records.saveEnrolment(tenant, { person, image: newImage(), faces });
      const all = faces.map(({ faceId }) => faceId).sort();

      for (const order of ['oldest-first', 'newest-first'] as const) {
        const pages = await allPages(
          (options) => records.listAppearances(tenant, person.personId, {}, { ...options, order }),
          10,
        );
        const seen = pages.flatMap(ids);
        expect(pages.map(({ items }) => items.length)).toEqual([10, 10, 5]);
        expect(order === 'oldest-first' ? seen : seen.toReversed()).toEqual(all);
      }
    });

    it('When an area is given, then only what lies in it counts, also beyond the date line and page by page', async () => {
      const { records, tenant } = await setUp();
      const west = { lat: -17, lon: 179.9 };
      const east = { lat: -17, lon: -179.9, accuracy_m: 5 };
      const { personId, faceIds } = await appear(records, tenant, [
        { at: 1, location: west },
        { at: 2, location: { lat: 52.5, lon: 13.4 } },
        { at: 3 },
        { at: 4, location: east },
        { at: 5, location: west },
      ]);
      const area = { kind: 'box', west: 179, south: -20, east: -179, north: -10 } as const;
      const circle = { kind: 'circle', lat: -17, lon: 180, radiusMetres: 20_000 } as const;
      const matching = [faceIds[0], faceIds[3], faceIds[4]];

      const pages = await allPages(
        (options) => records.listAppearances(tenant, personId, { area }, { ...options, order: 'oldest-first' }),
        2,
      );
      const summary = await records.summarizeAppearances(tenant, personId, { area: circle });

      expect(pages.map(ids)).toEqual([matching.slice(0, 2), matching.slice(2)]);
      expect([summary.count, summary.first, summary.last]).toEqual([3, 1, 5]);
      expect(summary.cells.map(({ count }) => count).sort()).toEqual([1, 2]);
    });

    it('When there are thousands, then pages and summary are whole, and a token belongs to its person, filter and order', async () => {
      const { records, tenant } = await setUp();
      const person = newPerson();
      for (let start = 0; start < 9000; start += 100) {
        const faces = Array.from({ length: 100 }, (_, i) =>
          newFace({
            personId: person.personId,
            capturedAt: start + i,
            location: { lat: (start + i) % 3000 === 0 ? 10 : 20, lon: 0 },
          }),
        );
        await records.saveEnrolment(tenant, { person, image: newImage(), faces });
      }
      const area = { kind: 'box', west: -1, south: 9, east: 1, north: 11 } as const;
      const list = (filter: AppearanceFilter, after?: string) =>
        records.listAppearances(tenant, person.personId, filter, { ...oldest, limit: 2, after });

      const first = await list({ area });
      const rest = await list({ area }, first.next!);
      const summary = await records.summarizeAppearances(tenant, person.personId, {});

      expect([...first.items, ...rest.items].map(({ capturedAt }) => capturedAt)).toEqual([0, 3000, 6000]);
      expect(rest.next).toBeNull();
      expect([summary.count, summary.first, summary.last]).toEqual([9000, 0, 8999]);
      expect(summary.cells.map(({ count }) => count).sort((a, b) => a - b)).toEqual([3, 8997]);
      await expect(list({}, first.next!)).rejects.toMatchObject({ code: 'PAGE_TOKEN_INVALID' });
    });
  });

  describe(`${name}: jobs`, () => {
    const outcome = { status: 'completed', personId: 'p', result: { face_id: 'f' } } as const;
    const failure = { status: 'failed', error: { code: 'NO_FACE' } } as const;
    const outboxIds = async (records: Records) =>
      (await records.pendingOutbox(1000)).map(({ entry: { event } }) => event.id);

    it('When a job goes its way, then it reads back by its own id and by its face, and only for its tenant', async () => {
      const { records, tenant, clock } = await setUp();
      const job = newJob({ personId: null });
      const createdAt = clock.now();

      const queued = await records.createJob(tenant, job);
      await clock.advance(1000);
      const processing = await records.startJob(tenant, job.jobId);
      await clock.advance(1000);
      const finished = await records.finishJob(tenant, job.jobId, outcome);

      const whole = {
        ...job,
        status: 'queued',
        attempts: 0,
        failures: 0,
        underWaySince: null,
        result: null,
        error: null,
        createdAt,
        startedAt: null,
        finishedAt: null,
      };
      expect(queued).toEqual(whole);
      const startedAt = createdAt + 1000;
      expect(processing).toEqual({ ...whole, status: 'processing', attempts: 1, startedAt, underWaySince: startedAt });
      expect(finished).toEqual({
        changed: true,
        job: {
          ...processing,
          status: 'completed',
          personId: 'p',
          request: null,
          underWaySince: null,
          result: outcome.result,
          finishedAt: createdAt + 2000,
        },
      });
      expect(await records.getJob(tenant, job.jobId)).toEqual(finished!.job);
      expect(await records.getJob(tenant, job.faceId)).toEqual(finished!.job);
      expect(await records.getJob(newTenant(), job.jobId)).toBeNull();
      expect(await records.startJob(newTenant(), job.jobId)).toBeNull();
      expect(await records.finishJob(newTenant(), job.jobId, outcome)).toBeNull();
      expect(await records.getJob(tenant, randomUUID())).toBeNull();
    });

    it('When a face has several jobs, then the newest is the one that is told', async () => {
      const { records, tenant, clock } = await setUp();
      const faceId = randomUUID();
      await records.createJob(tenant, newJob({ faceId }));
      await clock.advance(10);
      const second = await records.createJob(tenant, newJob({ faceId }));

      expect((await records.getJob(tenant, faceId))?.jobId).toBe(second.jobId);
    });

    it('When attempts end, then those that failed count, and the others do not', async () => {
      const { records, tenant, clock } = await setUp();
      const job = newJob();
      await records.createJob(tenant, job);
      const counted = [];
      for (const failed of [true, false, true]) {
        await records.startJob(tenant, job.jobId);
        await clock.advance(120_000);
        counted.push(await records.endAttempt(tenant, job.jobId, { failed }));
      }
      await records.startJob(tenant, job.jobId);
      const finished = await records.finishJob(tenant, job.jobId, failure);
      const late = await records.endAttempt(tenant, job.jobId, { failed: true });
      const queued = await records.requeueJob(tenant, job.jobId);

      expect(counted.map((each) => each?.failures)).toEqual([1, 1, 2]);
      expect(counted[2]).toMatchObject({ status: 'processing', attempts: 3, underWaySince: null });
      expect(late).toEqual(finished!.job);
      expect(queued!.job).toMatchObject({ attempts: 0, failures: 0, underWaySince: null });
      expect(await records.endAttempt(newTenant(), job.jobId, { failed: true })).toBeNull();
    });

    it('When ten attempts are cut short at once, then that is one failure, and none while one may be under way', async () => {
      const { records, tenant, clock, reopen } = await setUp();
      const job = newJob();
      await records.createJob(tenant, job);
      const ten = (into: Records) => Promise.all(Array.from({ length: 10 }, () => into.startJob(tenant, job.jobId)));
      const failuresOf = (jobs: (Job | null)[]) => [...new Set(jobs.map((each) => each?.failures))];

      const first = await ten(records);
      await clock.advance(mostUnderWayMs);
      const beside = await ten(records);
      await clock.advance(1);
      const again = await reopen();
      const after = await ten(again);
      await clock.advance(mostUnderWayMs + 1);
      const later = await ten(again);

      expect(failuresOf(first)).toEqual([0]);
      expect(failuresOf(beside)).toEqual([0]);
      expect(failuresOf(after)).toEqual([1]);
      expect(failuresOf(later)).toEqual([2]);
      expect((await again.getJob(tenant, job.jobId))?.attempts).toBe(40);
    });

    it('When a job is made or finished twice, then the first stays and events go out once', async () => {
      const { records, tenant } = await setUp();
      const job = newJob();
      const events = [entry(), entry(), entry(), entry()] as const;

      await records.createJob(tenant, job, { outbox: [events[0]] });
      const again = await records.createJob(tenant, { ...job, request: { other: true } }, { outbox: [events[1]] });
      const outcomes = await Promise.all([
        records.finishJob(tenant, job.jobId, outcome, { outbox: [events[2]] }),
        records.finishJob(tenant, job.jobId, failure, { outbox: [events[3]] }),
      ]);

      expect(again.request).toEqual(job.request);
      expect(outcomes.map((each) => [each?.changed, each?.job.status])).toEqual([
        [true, 'completed'],
        [false, 'completed'],
      ]);
      expect(await records.startJob(tenant, job.jobId)).toEqual(outcomes[0]!.job);
      const pending = await outboxIds(records);
      expect(events.map(({ event }) => pending.includes(event.id))).toEqual([true, false, true, false]);
    });

    it('When a job failed, then it keeps the error and what was asked, and can be queued again', async () => {
      const { records, tenant, clock } = await setUp();
      const job = newJob();
      const made = await records.createJob(tenant, job);
      const early = await records.requeueJob(tenant, job.jobId);
      await records.startJob(tenant, job.jobId);
      await clock.advance(10);

      await records.finishJob(tenant, job.jobId, failure);
      const failed = await records.getJob(tenant, job.jobId);
      const [first, second] = [entry(), entry()];
      const queued = await records.requeueJob(tenant, job.jobId, { outbox: [first] });
      const again = await records.requeueJob(tenant, job.jobId, { outbox: [second] });

      expect(failed).toMatchObject({
        status: 'failed',
        error: failure.error,
        request: job.request,
        personId: job.personId,
      });
      expect(early).toEqual({ job: made, changed: false });
      expect(queued).toEqual({ job: made, changed: true });
      expect(again).toEqual({ job: made, changed: false });
      const pending = await outboxIds(records);
      expect([first, second].map(({ event }) => pending.includes(event.id))).toEqual([true, false]);
      expect(await records.requeueJob(newTenant(), job.jobId)).toBeNull();
    });

    it('When a job is cancelled, then that stays if it was not begun, and nothing happens otherwise', async () => {
      const { records, tenant } = await setUp();
      const [waiting, begun] = [newJob(), newJob()];
      await records.createJob(tenant, waiting);
      await records.createJob(tenant, begun);
      await records.startJob(tenant, begun.jobId);
      const events = [entry(), entry(), entry()] as const;

      const cancelled = await records.cancelJob(tenant, waiting.jobId, { outbox: [events[0]] });
      const twice = await records.cancelJob(tenant, waiting.jobId, { outbox: [events[1]] });
      const late = await records.cancelJob(tenant, begun.jobId, { outbox: [events[2]] });

      expect(cancelled).toMatchObject({ changed: true, job: { status: 'cancelled', request: null, attempts: 0 } });
      expect(cancelled!.job.finishedAt).not.toBeNull();
      expect(twice).toEqual({ changed: false, job: cancelled!.job });
      expect(late).toMatchObject({ changed: false, job: { status: 'processing' } });
      expect(await records.startJob(tenant, waiting.jobId)).toEqual(cancelled!.job);
      expect((await records.finishJob(tenant, waiting.jobId, outcome))?.changed).toBe(false);
      expect(await records.cancelJob(newTenant(), waiting.jobId)).toBeNull();
      const pending = await outboxIds(records);
      expect(events.map(({ event }) => pending.includes(event.id))).toEqual([true, false, false]);
    });

    it('When a begun job is cancelled after all, then it keeps the reason and forgets what was asked', async () => {
      const { records, tenant } = await setUp();
      const { jobId } = await records.createJob(tenant, newJob());
      await records.startJob(tenant, jobId);
      const error = { code: 'UPLOAD_NOT_FOUND', message: 'gone' };

      const ended = await records.finishJob(tenant, jobId, { status: 'cancelled', error });

      expect(ended).toMatchObject({ changed: true, job: { status: 'cancelled', error, request: null, result: null } });
      expect(ended!.job).toMatchObject({ attempts: 1, underWaySince: null, finishedAt: expect.any(Number) });
      expect(await records.requeueJob(tenant, jobId)).toMatchObject({ changed: false });
    });

    it('When a job is over or gone, then nothing is enrolled for it any more', async () => {
      const { records, tenant } = await setUp();
      const [ada, bob, eve] = [newEnrolment(), newEnrolment(), newEnrolment()];
      const [done, open] = [await records.createJob(tenant, newJob()), await records.createJob(tenant, newJob())];
      await records.finishJob(tenant, done.jobId, { status: 'completed', personId: null, result: {} });

      const refused = await Promise.allSettled([
        records.saveEnrolment(tenant, { ...ada, jobId: done.jobId }, { outbox: [entry()] }),
        records.saveEnrolment(tenant, { ...bob, jobId: randomUUID() }),
      ]);

      for (const each of refused) expect(each).toMatchObject({ reason: { code: 'VERSION_CONFLICT' } });
      expect((await records.saveEnrolment(tenant, { ...eve, jobId: open.jobId })).imageCreated).toBe(true);
      expect((await records.listFaces(tenant, {}, { limit: 9 })).items).toHaveLength(eve.faces.length);
      expect((await records.listPersons(tenant, { limit: 9 })).items).toHaveLength(1);
    });

    it('When jobs are listed, then newest come first, page by page, and the filters hold', async () => {
      const { records, tenant, clock } = await setUp();
      const made = [];
      for (const priority of ['low', 'high', 'low', 'low'] as const) {
        made.push((await records.createJob(tenant, newJob({ priority }))).jobId);
        await clock.advance(10);
      }
      await records.cancelJob(tenant, made[2]!);

      const first = await records.listJobs(tenant, {}, { limit: 3 });
      const rest = await records.listJobs(tenant, {}, { limit: 3, after: first.next! });
      const ids = async (filter: Parameters<Records['listJobs']>[1]) =>
        (await records.listJobs(tenant, filter, { limit: 10 })).items.map(({ jobId }) => jobId);

      expect([...first.items, ...rest.items].map(({ jobId }) => jobId)).toEqual(made.toReversed());
      expect(rest.next).toBeNull();
      expect(await ids({ priority: 'low' })).toEqual([made[3], made[2], made[0]]);
      expect(await ids({ status: 'queued', priority: 'low' })).toEqual([made[3], made[0]]);
      expect(await ids({ status: 'cancelled' })).toEqual([made[2]]);
      await expect(
        records.listJobs(tenant, { priority: 'low' }, { limit: 3, after: first.next! }),
      ).rejects.toMatchObject({ code: 'PAGE_TOKEN_INVALID' });
      expect((await records.listJobs(newTenant(), {}, { limit: 3 })).items).toEqual([]);
    });

    it('When a batch is created twice, then each item is there once with its event, in its order, and counted', async () => {
      const { records, tenant } = await setUp();
      const batchId = randomUUID();
      const batch = Array.from({ length: 12 }, (_, item) => ({
        job: newJob({ batchId, item }),
        outbox: [entry()],
      }));

      await records.createJobs(tenant, batch.slice(0, 5));
      const made = await records.createJobs(
        tenant,
        batch.map(({ job }) => ({ job, outbox: [entry()] })),
      );
      await records.finishJob(tenant, batch[3]!.job.jobId, failure);
      await records.createJob(tenant, newJob());

      const ids = batch.map(({ job }) => job.jobId);
      expect(made.map(({ jobId, item }) => [jobId, item])).toEqual(ids.map((id, i) => [id, i]));
      const page = await records.listBatch(tenant, batchId, {}, { limit: 7 });
      const rest = await records.listBatch(tenant, batchId, {}, { limit: 7, after: page.next! });
      expect([...page.items, ...rest.items].map(({ jobId }) => jobId)).toEqual(ids);
      const failed = await records.listBatch(tenant, batchId, { status: 'failed' }, { limit: 7 });
      expect(failed.items.map(({ item }) => item)).toEqual([3]);
      expect(await records.countBatch(tenant, batchId)).toEqual({
        queued: 11,
        processing: 0,
        completed: 0,
        failed: 1,
        cancelled: 0,
      });
      expect((await records.countBatch(newTenant(), batchId)).queued).toBe(0);
      const pending = await outboxIds(records);
      expect(batch.slice(0, 5).every(({ outbox }) => pending.includes(outbox[0]!.event.id))).toBe(true);
    });

    it('When a person is deleted, then the jobs that name it are gone, and no others', async () => {
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

    it('When jobs wait, are done and grow old, then the backlog counts them and old ones go', async () => {
      const { records, tenant, clock } = await setUp();
      // Of what other tests have finished nothing is left: pace and age are of all tenants.
      await clock.advance(24 * 60 * 60 * 1000);
      while ((await records.expireJobs(clock.now(), 1000)) > 0);
      const before = await records.backlog();
      const jobs = [newJob({ priority: 'high' }), newJob({ priority: 'high' }), newJob({ priority: 'low' })] as const;
      await records.createJob(tenant, jobs[0], { outbox: [entry()] });
      await records.createJob(tenant, jobs[1]);
      await records.createJob(tenant, jobs[2]);
      await records.startJob(tenant, jobs[0].jobId);
      await clock.advance(1234);
      await records.finishJob(tenant, jobs[0].jobId, outcome);

      const after = await records.backlog();
      const early = await records.expireJobs(clock.now(), 1000);
      await clock.advance(1);
      const late = await records.expireJobs(clock.now(), 1000);

      expect(after.jobs.high - before.jobs.high).toBe(1);
      expect(after.jobs.low - before.jobs.low).toBe(1);
      expect(after.outbox - before.outbox).toBe(1);
      expect(after.meanProcessingMs).toBe(1234);
      expect([early, late]).toEqual([0, 1]);
      expect(await records.getJob(tenant, jobs[0].jobId)).toBeNull();
      expect(await records.getJob(tenant, jobs[1].jobId)).not.toBeNull();
    });
  });

  describe(`${name}: dead letters and uploads`, () => {
    const newLetter = (fields: Partial<StoredDeadLetter> = {}): StoredDeadLetter => ({
      deadLetterId: randomUUID(),
      event: entry().event,
      type: 'freeface.test.v1',
      topic: 'freeface.events',
      group: 'group',
      status: 422,
      reason: 'NO_FACE',
      attempts: 1,
      at: 1_700_000_000_000,
      ...fields,
    });

    it('When letters are kept, then they read back, newest first, by type and reason, only for their tenant', async () => {
      const { records, tenant } = await setUp();
      const bare = { topic: null, group: null, status: null, reason: null, attempts: null };
      const letters = [
        newLetter({ at: 1_700_000_000_001 }),
        newLetter({ at: 1_700_000_000_002, type: 'freeface.other.v1' }),
        newLetter({ at: 1_700_000_000_003, ...bare }),
      ] as const;
      const before = (await records.backlog()).deadLetters;
      for (const letter of letters) await records.saveDeadLetter(tenant, letter);
      const again = { ...letters[0], attempts: 7, at: 1_700_000_000_004 };
      await records.saveDeadLetter(tenant, again);

      const ids = async (filter: Parameters<Records['listDeadLetters']>[1]) =>
        (await records.listDeadLetters(tenant, filter, { limit: 10 })).items.map(({ deadLetterId }) => deadLetterId);
      const first = await records.listDeadLetters(tenant, {}, { limit: 2 });
      const rest = await records.listDeadLetters(tenant, {}, { limit: 2, after: first.next! });

      expect([...first.items, ...rest.items]).toEqual([again, letters[2], letters[1]]);
      expect(await ids({ type: 'freeface.other.v1' })).toEqual([letters[1].deadLetterId]);
      expect(await ids({ reason: 'NO_FACE' })).toEqual([again.deadLetterId, letters[1].deadLetterId]);
      expect(await records.getDeadLetter(tenant, again.deadLetterId)).toEqual(again);
      expect(await records.getDeadLetter(newTenant(), again.deadLetterId)).toBeNull();
      expect((await records.backlog()).deadLetters - before).toBe(3);
    });

    it('When a letter is removed, then its events go out, once, and old letters go by themselves', async () => {
      const { records, tenant } = await setUp();
      const [letter, old] = [newLetter({ at: 2_000_000_000_000 }), newLetter({ at: 1_000 })];
      await records.saveDeadLetter(tenant, letter);
      await records.saveDeadLetter(tenant, old);
      const [first, second] = [entry(), entry()];

      const removed = [
        await records.removeDeadLetter(newTenant(), letter.deadLetterId),
        await records.removeDeadLetter(tenant, letter.deadLetterId, { outbox: [first] }),
        await records.removeDeadLetter(tenant, letter.deadLetterId, { outbox: [second] }),
      ];
      const expired = [await records.expireDeadLetters(1_000, 10), await records.expireDeadLetters(1_001, 10)];

      expect(removed).toEqual([false, true, false]);
      const pending = (await records.pendingOutbox(1000)).map(({ entry: { event } }) => event.id);
      expect([first, second].map(({ event }) => pending.includes(event.id))).toEqual([true, false]);
      expect(expired).toEqual([0, 1]);
      expect((await records.listDeadLetters(tenant, {}, { limit: 10 })).items).toEqual([]);
    });

    it('When uploads are kept, then they read back, are replaced, listed by image, and deleted', async () => {
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
  });

  describe(`${name}: what is known of a file`, () => {
    it('When an upload is saved over another, then only if that or the same is there, and one of many at once wins', async () => {
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

  describe(`${name}: outbox, tenants, life cycle`, () => {
    it('When events of an enrolment are pending, then it survives a power cut already', async () => {
      const { records, tenant } = await setUp();
      let isDurable = false;

      const { durable } = await records.saveEnrolment(tenant, newEnrolment(), { outbox: [entry()] });
      void durable.then(() => {
        isDurable = true;
      });
      await records.pendingOutbox(1000);

      expect(isDurable).toBe(true);
    });

    it('When a write carries events, then they are pending, oldest first, until they are settled', async () => {
      const { records, tenant } = await setUp();
      const mine = [entry(), entry(), entry()];
      const enrolment = newEnrolment();
      await records.saveEnrolment(tenant, enrolment, { outbox: [mine[0]!] });
      await records.updatePerson(tenant, enrolment.person.personId, { name: 'B' }, { outbox: [mine[1]!] });
      await records.deletePerson(tenant, enrolment.person.personId, { outbox: [mine[2]!] });
      const pending = async () =>
        (await records.pendingOutbox(1000)).filter(({ entry: { event } }) => mine.some((m) => m.event.id === event.id));

      const before = await pending();
      await records.settleOutbox(before.slice(0, 2).map(({ id }) => id));
      const after = await pending();

      expect(before.map(({ entry: { topic } }) => topic)).toEqual(['some.topic', 'some.topic', 'some.topic']);
      expect(before.map(({ entry: { event } }) => JSON.stringify(event))).toEqual(
        mine.map(({ event }) => JSON.stringify(event)),
      );
      expect(after).toEqual(before.slice(2));
      await records.settleOutbox(after.map(({ id }) => id));
      expect(await pending()).toEqual([]);
    });

    it('When a write is refused, then its events are not pending', async () => {
      const { records, tenant } = await setUp();
      const person = await records.createPerson(tenant, newPerson());
      const lost = entry();

      await expect(records.createPerson(tenant, person, { outbox: [lost] })).rejects.toThrow();
      expect(await records.deletePerson(tenant, randomUUID(), { outbox: [lost] })).toBeNull();
      expect(await records.deleteFace(tenant, randomUUID(), { outbox: [lost] })).toBeNull();

      const pending = await records.pendingOutbox(1000);
      expect(pending.some(({ entry: { event } }) => event.id === lost.event.id)).toBe(false);
    });

    it('When rows exist, then their tenants are named, and no longer afterwards', async () => {
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

    it('When a call comes with an aborted signal, then it rejects with its reason and does nothing', async () => {
      const { records, tenant } = await setUp();
      const signal = AbortSignal.abort(new Error('gone'));
      const person = newPerson();

      await expect(records.createPerson(tenant, person, { signal })).rejects.toThrow('gone');
      await expect(records.getPersons(tenant, [person.personId], { signal })).rejects.toThrow('gone');

      expect(await records.getPersons(tenant, [person.personId])).toEqual([]);
    });

    it('When the store is opened again, then everything is there and old page tokens still work', async () => {
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

const entry = () => ({ topic: 'some.topic', event: newEvent() });

async function allPages<T>(list: (options: PageOptions) => Promise<Page<T>>, limit: number, from?: string) {
  const pages: Page<T>[] = [];
  let after = from;
  do {
    const page = await list({ limit, after });
    pages.push(page);
    after = page.next ?? undefined;
  } while (after !== undefined);
  return pages;
}
