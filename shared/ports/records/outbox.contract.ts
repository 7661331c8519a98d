import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newEnrolment, newPerson } from '../../testing/record-factories.ts';
import { newOutboxEntry, type RecordsSetUp } from '../../testing/records-subject.ts';

export function outboxContract(name: string, setUp: RecordsSetUp): void {
  describe(`${name}: outbox`, () => {
    it('When events of an enrolment are pending, then the enrolment already survives a power cut', async () => {
      const { records, tenant } = await setUp();
      let isDurable = false;

      const { durable } = await records.saveEnrolment(tenant, newEnrolment(), { outbox: [newOutboxEntry()] });
      void durable.then(() => {
        isDurable = true;
      });
      await records.pendingOutbox(1000);

      expect(isDurable).toBe(true);
    });

    it('When a write has events, then they are pending, oldest first, until they are settled', async () => {
      const { records, tenant } = await setUp();
      const mine = [newOutboxEntry(), newOutboxEntry(), newOutboxEntry()];
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
      const lost = newOutboxEntry();

      await expect(records.createPerson(tenant, person, { outbox: [lost] })).rejects.toThrow();
      expect(await records.deletePerson(tenant, randomUUID(), { outbox: [lost] })).toBeNull();
      expect(await records.deleteFace(tenant, randomUUID(), { outbox: [lost] })).toBeNull();

      const pending = await records.pendingOutbox(1000);
      expect(pending.some(({ entry: { event } }) => event.id === lost.event.id)).toBe(false);
    });
  });
}
