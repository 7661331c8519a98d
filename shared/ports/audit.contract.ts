import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { auditLine, chainStart, createChainVerifier } from '../domain/audit-chain.ts';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { newTenant } from '../testing/record-factories.ts';
import type { Audit, AuditEntry, AuditFilter, NewAuditEntry } from './audit.ts';
import type { Tenant } from './tenant.ts';

export interface AuditSubject {
  readonly audit: Audit;
  /** Closes the store and opens the same data again. */
  reopen(): Promise<Audit>;
}

/** Every promise of `Audit`. `open` returns a store and closes it when the test ends; it may contain data of other tenants. */
export function auditContract({ name, open }: { name: string; open: (clock: FakeClock) => Promise<AuditSubject> }) {
  const setUp = async () => {
    const clock = fakeClock();
    return { clock, tenant: newTenant(), ...(await open(clock)) };
  };

  describe(`${name}: the chain`, () => {
    it('When entries are appended, then they can be read with all fields, chained in order, only for their tenant', async () => {
      const { audit, tenant, clock } = await setUp();
      const first = newAuditEntry({
        actorName: 'Zoë "x" 𝔘',
        details: { images: 2, done: true, why: null, text: '\ud800\0' },
      });
      const second = newAuditEntry({ actor: null, code: 'FORBIDDEN', status: 403, address: null });

      const one = await audit.append(tenant, first, { durable: true });
      await clock.advance(5);
      const two = await audit.append(tenant, second);

      expect(one).toMatchObject({ ...first, at: clock.now() - 5, sequence: 1, previous: chainStart });
      expect(two).toMatchObject({ ...second, at: clock.now(), sequence: 2, previous: one.hash, chain: one.chain });
      expect(await entriesOf(audit, tenant)).toEqual([one, two]);
      expect(await entriesOf(audit, newTenant())).toEqual([]);
      expect(await audit.tenants()).toContain(tenant);
      expect(verdict(tenant, [one, two])).toBeNull();
    });

    it('When 200 entries are appended at once, some of them durable, then the chain has no gap and keeps their order', async () => {
      const { audit, tenant } = await setUp();
      const other = newTenant();

      await Promise.all(
        Array.from({ length: 200 }, (_, i) => [
          audit.append(tenant, newAuditEntry({ details: { i } }), { durable: i % 7 === 0 }),
          audit.append(other, newAuditEntry({ details: { i } })),
        ]).flat(),
      );

      for (const each of [tenant, other]) {
        const entries = await entriesOf(audit, each);
        expect(entries.map(({ details }) => details.i)).toEqual(Array.from({ length: 200 }, (_, i) => i));
        expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
        expect(verdict(each, entries)).toBeNull();
      }
    });

    it('When the log is reopened, then all entries are there and the chain continues', async () => {
      const { audit, tenant, reopen } = await setUp();
      const before = await audit.append(tenant, newAuditEntry());

      const again = await reopen();
      const after = await again.append(tenant, newAuditEntry());

      const entries = await entriesOf(again, tenant);
      expect(entries[0]).toEqual(before);
      expect(entries.at(-1)).toEqual(after);
      expect(verdict(tenant, entries)).toBeNull();
    });

    it('When text has characters that cannot be stored, then they are replaced before the entry is hashed', async () => {
      const { audit, tenant } = await setUp();

      await audit.append(tenant, newAuditEntry({ actorName: 'a\ud800b\0c', requestId: '\udc00' }));

      const entries = await entriesOf(audit, tenant);
      expect(entries[0]!.actorName).toBe('a\ufffdb\ufffdc');
      expect(verdict(tenant, entries)).toBeNull();
    });

    it('When the signal is already aborted, then nothing is appended', async () => {
      const { audit, tenant } = await setUp();

      const appending = audit.append(tenant, newAuditEntry(), { signal: AbortSignal.abort(new Error('left')) });

      await expect(appending).rejects.toThrow('left');
      expect(await entriesOf(audit, tenant)).toEqual([]);
    });
  });

  describe(`${name}: listing`, () => {
    it('When entries are filtered, then exactly the matching ones are returned, newest first', async () => {
      const { audit, tenant, clock } = await setUp();
      const [person, face, image] = [randomUUID(), randomUUID(), randomUUID()];
      const entries: AuditEntry[] = [];
      const append = async (entry: Partial<NewAuditEntry>) => {
        entries.push(await audit.append(tenant, newAuditEntry(entry)));
        await clock.advance(1000);
      };
      await append({ actor: 'user:a', action: 'get-person', subjects: subjects({ persons: [person] }) });
      await append({ actor: 'user:b', action: 'get-person', subjects: subjects({ persons: [person], faces: [face] }) });
      await append({ actor: 'user:a', action: 'get-image', subjects: subjects({ images: [image] }), requestId: 'r-3' });
      await append({ actor: 'user:a', action: 'get-face', subjects: subjects({ faces: [face, person] }) });
      const start = entries[0]!.at;
      const found = async (filter: AuditFilter) =>
        (await audit.list(tenant, filter, { limit: 10 })).items.map(({ sequence }) => sequence);

      expect((await audit.list(tenant, {}, { limit: 10 })).items).toEqual(entries.toReversed());
      expect(await found({ actor: 'user:a' })).toEqual([4, 3, 1]);
      expect(await found({ actor: 'user:a', action: 'get-person' })).toEqual([1]);
      expect(await found({ personId: person })).toEqual([2, 1]);
      expect(await found({ personId: person, faceId: face })).toEqual([2]);
      expect(await found({ faceId: face, actor: 'user:a' })).toEqual([4]);
      expect(await found({ imageId: image })).toEqual([3]);
      expect(await found({ requestId: 'r-3' })).toEqual([3]);
      expect(await found({ from: start + 1000, to: start + 3000 })).toEqual([3, 2]);
      expect(await found({ personId: person, to: start + 1000 })).toEqual([1]);
      expect(await found({ personId: 'nobody' })).toEqual([]);
      expect((await audit.list(newTenant(), { personId: person }, { limit: 10 })).items).toEqual([]);
    });

    it.each([
      ['all', {}],
      ['of a subject', { personId: 'p' }],
    ])(
      'When pages are read while entries are appended (%s), then each earlier entry is returned once',
      async (_, filter) => {
        const { audit, tenant } = await setUp();
        const append = () => audit.append(tenant, newAuditEntry({ subjects: subjects({ persons: ['p'] }) }));
        for (let i = 0; i < 7; i++) await append();

        const seen: number[] = [];
        let after: string | undefined;
        do {
          const page = await audit.list(tenant, filter, { limit: 3, after });
          seen.push(...page.items.map(({ sequence }) => sequence));
          after = page.next ?? undefined;
          await append();
        } while (after !== undefined);

        expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1]);
      },
    );

    it('When a page token belongs to another listing, then it is refused', async () => {
      const { audit, tenant } = await setUp();
      for (let i = 0; i < 2; i++) await audit.append(tenant, newAuditEntry());
      const { next } = await audit.list(tenant, {}, { limit: 1 });

      const tries = [
        audit.list(newTenant(), {}, { limit: 1, after: next! }),
        audit.list(tenant, { actor: 'user:a' }, { limit: 1, after: next! }),
        audit.list(tenant, {}, { limit: 1, after: 'made-up' }),
      ];

      await Promise.all(tries.map((tried) => expect(tried).rejects.toMatchObject({ code: 'PAGE_TOKEN_INVALID' })));
    });
  });
}

export const newAuditEntry = (fields: Partial<NewAuditEntry> = {}): NewAuditEntry => ({
  action: 'get-person',
  actor: 'key:one',
  actorName: 'gate',
  subjects: subjects({}),
  status: 200,
  code: null,
  address: '192.0.2.7',
  requestId: randomUUID(),
  details: {},
  ...fields,
});

const subjects = (fields: Partial<NewAuditEntry['subjects']>): NewAuditEntry['subjects'] => ({
  persons: [],
  faces: [],
  images: [],
  more: 0,
  ...fields,
});

async function entriesOf(audit: Audit, tenant: Tenant): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for await (const entry of audit.chains(tenant)) entries.push(entry);
  return entries;
}

/** The first break of the chain; null when the chain is valid. */
function verdict(tenant: Tenant, entries: readonly AuditEntry[]) {
  const verifier = createChainVerifier();
  for (const entry of entries) {
    const broken = verifier.add(auditLine(tenant, entry));
    if (broken !== null) return broken;
  }
  return null;
}
