import { v7 } from 'uuid';
import { chainStart, hashOfEntry, storableEntry } from '../../domain/audit-chain.ts';
import { AppError } from '../../errors.ts';
import type { AuditEntry, NewAuditEntry } from '../../ports/audit.ts';
import type { CallOptions } from '../../ports/tenant.ts';
import { type Bound, isOneBatch } from './scylla/client.ts';
import { put } from './scylla/lists.ts';
import type { ScyllaStore } from './scylla/store.ts';
import { microseconds } from './scylla/write-time.ts';

/** Entries of a block, which is a partition. */
export const perBlock = 1000;
export const blockOf = (sequence: number): number => Math.floor(sequence / perBlock);
/** Entries written at once. */
const together = 20;

export interface AuditWriter {
  append(tenant: string, entry: NewAuditEntry, options: CallOptions | undefined): Promise<AuditEntry>;
}

interface Chain {
  readonly chain: string;
  sequence: number;
  previous: string;
}

interface Waiting {
  readonly entry: NewAuditEntry;
  readonly at: number;
  resolve(entry: AuditEntry): void;
  reject(error: unknown): void;
}

/**
 * [Note: One chain for each writer]
 * A chain needs one who knows its end. Several processes that shared one would have to agree on each entry; so each process has chains
 * of its own, one for a tenant, and what it appends takes turns here. The name of a chain sorts by its beginning. Entries of a
 * tenant that come together are written together: in one batch where they fit, else first what lists say of them, which alone means
 * nothing, then the entries, in one mutation of one partition. When that fails, nobody knows whether it was written: the calls are
 * refused, and what comes after begins a new chain, since one with a gap, or with an entry twice, would look as if somebody had
 * meddled with it.
 */
export function auditWriter({ scylla, seen, now }: ScyllaStore): AuditWriter {
  const chains = new Map<string, Chain>();
  const queues = new Map<string, Waiting[]>();

  const chainOf = async (tenant: string): Promise<Chain> => {
    const there = chains.get(tenant);
    if (there !== undefined) return there;
    const made: Chain = { chain: v7(), sequence: 0, previous: chainStart };
    await seen(tenant);
    await scylla.write(put('audit_chains', tenant, { at: now(), id: made.chain }), microseconds());
    chains.set(tenant, made);
    return made;
  };

  const writeTogether = async (tenant: string, waiting: readonly Waiting[]): Promise<AuditEntry[]> => {
    const chain = await chainOf(tenant);
    let { sequence, previous } = chain;
    const block = blockOf(sequence + 1);
    const entries: AuditEntry[] = [];
    for (const { entry, at } of waiting) {
      // A batch stays within one block; the rest comes with the next.
      if (blockOf(sequence + 1) !== block) break;
      const linked = { ...storableEntry(entry), at, chain: chain.chain, sequence: ++sequence, previous };
      const hash = hashOfEntry(tenant, linked);
      entries.push({ ...linked, hash });
      previous = hash;
    }
    try {
      const pointers = entries.flatMap((entry) => pointersTo(tenant, entry));
      const puts = entries.map(
        (entry): Bound => ['audit:put', [tenant, entry.chain, block, entry.sequence, JSON.stringify(entry)]],
      );
      if (isOneBatch([...pointers, ...puts])) await scylla.write([...pointers, ...puts], microseconds());
      else {
        await scylla.write(pointers, microseconds());
        await scylla.writeTogether(puts, microseconds());
      }
    } catch (error) {
      chains.delete(tenant);
      throw error;
    }
    Object.assign(chain, { sequence, previous });
    return entries;
  };

  const drain = async (tenant: string, queue: Waiting[]): Promise<void> => {
    while (queue.length > 0) {
      const some = queue.slice(0, together);
      try {
        const entries = await writeTogether(tenant, some);
        for (const [index, entry] of entries.entries()) some[index]!.resolve(entry);
        queue.splice(0, entries.length);
      } catch (error) {
        for (const { reject } of some) reject(error);
        queue.splice(0, some.length);
      }
    }
    queues.delete(tenant);
  };

  return {
    append: (tenant, entry, options) =>
      new Promise((resolve, reject) => {
        options?.signal?.throwIfAborted();
        const queue = queues.get(tenant);
        const waiting = { entry, at: now(), resolve, reject };
        if (queue !== undefined) queue.push(waiting);
        else {
          const made = [waiting];
          queues.set(tenant, made);
          drain(tenant, made).catch((error: unknown) => reject(new AppError('INTERNAL', { cause: error })));
        }
      }),
  };
}

/** Position of an entry in lists: two of one millisecond stand in the order of their chain. */
export const positionOf = ({ chain, sequence }: Pick<AuditEntry, 'chain' | 'sequence'>): string =>
  `${String(sequence).padStart(16, '0')}/${chain}`;

export function entryAt(position: string): { chain: string; sequence: number } {
  const [sequence, chain] = position.split('/');
  return { chain: chain!, sequence: Number(sequence) };
}

/** What an entry can be found by, beside its time. */
export const subjectsOf = {
  person: (id: string) => `person/${id}`,
  face: (id: string) => `face/${id}`,
  image: (id: string) => `image/${id}`,
  actor: (id: string) => `actor/${id}`,
  request: (id: string) => `request/${id}`,
} as const;

export function pointersTo(tenant: string, entry: AuditEntry): Bound[] {
  const position = { at: entry.at, id: positionOf(entry) };
  const { persons, faces, images } = entry.subjects;
  const scopes = new Set([
    ...persons.map(subjectsOf.person),
    ...faces.map(subjectsOf.face),
    ...images.map(subjectsOf.image),
    ...(entry.actor === null ? [] : [subjectsOf.actor(entry.actor)]),
    subjectsOf.request(entry.requestId),
  ]);
  return [
    ...put('audit_by_time', tenant, position),
    ...[...scopes].flatMap((scope) => put('audit_by_subject', tenant, position, '', scope)),
  ];
}
