import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newPerson, newTenant } from '../../testing/record-factories.ts';
import { allPages, type RecordsSetUp } from '../../testing/records-subject.ts';

export function personsContract(name: string, setUp: RecordsSetUp): void {
  describe(`${name}: persons`, () => {
    it('When a person is created, then it can be read with all fields, only by its tenant', async () => {
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

    it('When several calls create persons with one external id at once, then exactly one succeeds', async () => {
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

    it('When two tenants use the same external id and person id, then both persons exist', async () => {
      const { records, tenant } = await setUp();
      const person = newPerson({ externalId: 'same' });

      await records.createPerson(tenant, person);
      const second = await records.createPerson(newTenant(), person);

      expect(second.version).toBe(1);
    });

    it('When a person id exists, then a second creation is PERSON_EXISTS and changes nothing', async () => {
      const { records, tenant } = await setUp();
      const person = newPerson({ name: 'first' });
      await records.createPerson(tenant, person);

      const again = records.createPerson(tenant, { ...person, name: 'second' });

      await expect(again).rejects.toMatchObject({ code: 'PERSON_EXISTS' });
      expect((await records.getPersons(tenant, [person.personId]))[0]?.name).toBe('first');
    });

    it('When a person is updated, then only the given fields change and the version grows by 1', async () => {
      const { records, tenant, clock } = await setUp();
      const created = await records.createPerson(tenant, newPerson({ externalId: 'x' }));
      await clock.advance(1000);

      const updated = await records.updatePerson(tenant, created.personId, { name: null, metadata: { a: 1 } });

      expect(updated).toEqual({ ...created, name: null, metadata: { a: 1 }, version: 2, updatedAt: clock.now() });
      expect(await records.getPersons(tenant, [created.personId])).toEqual([updated]);
    });

    it('When an update changes nothing, then the version and the time stay', async () => {
      const { records, tenant, clock } = await setUp();
      const created = await records.createPerson(tenant, newPerson());
      await clock.advance(1000);

      const updated = await records.updatePerson(tenant, created.personId, {
        name: created.name,
        metadata: created.metadata,
      });

      expect(updated).toEqual(created);
    });

    it('When an update names another version, another person’s external id or an unknown person, then it is refused', async () => {
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

    it('When the update of a person is aborted, then nothing of it is stored', async () => {
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

    it('When a person loses its external id, then another person can have it', async () => {
      const { records, tenant } = await setUp();
      const first = await records.createPerson(tenant, newPerson({ externalId: 'badge' }));
      await records.updatePerson(tenant, first.personId, { externalId: null });

      const second = await records.createPerson(tenant, newPerson({ externalId: 'badge' }));

      expect(await records.getPersonsByExternalIds(tenant, ['badge'])).toEqual([second]);
    });

    it('When persons are listed in pages, then each is returned once, oldest first', async () => {
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

    it('When persons are created and deleted during a listing, then each one that stays is returned exactly once', async () => {
      const { records, tenant } = await setUp();
      // All persons have the same time, so they are ordered by id.
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

    it('When the last row of a page is deleted, then the token of the page is still valid', async () => {
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
  });
}
