import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newTenant } from '../../testing/record-factories.ts';
import { newOutboxEntry, type RecordsSetUp } from '../../testing/records-subject.ts';
import type { Records } from '../records.ts';
import type { StoredDeadLetter } from './dead-letters.ts';

export function deadLettersContract(name: string, setUp: RecordsSetUp): void {
  describe(`${name}: dead letters`, () => {
    const newLetter = (fields: Partial<StoredDeadLetter> = {}): StoredDeadLetter => ({
      deadLetterId: randomUUID(),
      event: newOutboxEntry().event,
      type: 'freeface.test.v1',
      topic: 'freeface.events',
      group: 'group',
      status: 422,
      reason: 'NO_FACE',
      attempts: 1,
      at: 1_700_000_000_000,
      ...fields,
    });

    it('When dead letters are saved, then they are listed newest first, by type and reason, only for their tenant', async () => {
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

    it('When a letter is removed, then the events of the call are written once, and old letters can be expired', async () => {
      const { records, tenant } = await setUp();
      const [letter, old] = [newLetter({ at: 2_000_000_000_000 }), newLetter({ at: 1_000 })];
      await records.saveDeadLetter(tenant, letter);
      await records.saveDeadLetter(tenant, old);
      const [first, second] = [newOutboxEntry(), newOutboxEntry()];

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
  });
}
