import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { newEnrolment, newEvent, newFace, newImage, newPerson, newTenant } from '../testing/record-factories.ts';
import type { NewFace, Page, PageOptions, Records } from './records.ts';

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
      const other = newTenant();
      expect(await records.getPersons(other, [person.personId])).toEqual([]);
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

      const saved = await records.saveEnrolment(tenant, { person, image, faces });

      const createdAt = clock.now();
      const stored = faces.map((face) => ({ ...face, imageId: image.imageId, createdAt }));
      expect(saved).toEqual({
        image: { ...image, createdAt },
        imageCreated: true,
        personCreated: true,
        faces: stored.map((face) => ({ face, created: true })),
      });
      expect(await records.getImage(tenant, image.imageId)).toEqual({ ...image, createdAt });
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

      const again = await records.saveEnrolment(tenant, {
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

  describe(`${name}: outbox, tenants, life cycle`, () => {
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
