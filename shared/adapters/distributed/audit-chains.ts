import { v7 } from 'uuid';
import { chainStart, hashOfEntry, storableEntry } from '../../domain/audit-chain.ts';
import { AppError } from '../../errors.ts';
import type { AuditEntry, NewAuditEntry } from '../../ports/audit.ts';
import type { CallOptions } from '../../ports/tenant.ts';
import { type Bound, isOneBatch } from './scylla/client.ts';
import { put } from './scylla/lists.ts';
import type { ScyllaStore } from './scylla/store.ts';
import { microseconds } from './scylla/write-time.ts';

/** Entries of a block. A block is one partition. */
export const perBlock = 1000;
export const blockOf = (sequence: number): number => Math.floor(sequence / perBlock);
/** Entries that are written together. */
const together = 20;

export interface AuditWriter {
  append(tenant: string, entry: NewAuditEntry, options: CallOptions | undefined): Promise<AuditEntry>;
}

/** The chain that this process writes for a tenant. */
interface Chain {
  readonly chain: string;
  /** Number of the last entry. */
  sequence: number;
  /** Hash of the last entry. */
  previous: string;
}

/** An `append` that waits to be written. */
interface Waiting {
  readonly entry: NewAuditEntry;
  readonly at: number;
  resolve(entry: AuditEntry): void;
  reject(error: unknown): void;
}

/**
 * [Note: One chain for each writer]
 * The writer of a chain must know its last entry. Processes with a common chain would have to agree on each entry. So each process
 * writes its own chain for each tenant, one batch after another. The names of chains sort by start time. Entries of a tenant that arrive
 * together are written together: in one batch if they fit. Otherwise the entries of the lists are written first, which readers ignore as
 * long as the audit entry is missing; then the audit entries, in one mutation of one partition. When the write fails, it is unknown whether
 * the entries were stored. So the calls are refused, and the next entry starts a new chain: a chain with a gap or a duplicate would look
 * like manipulation.
 */
export function auditWriter({ scylla, registerTenant, now }: ScyllaStore): AuditWriter {
  const chains = new Map<string, Chain>();
  const queues = new Map<string, Waiting[]>();

  const chainOf = async (tenant: string): Promise<Chain> => {
    const current = chains.get(tenant);
    if (current !== undefined) return current;
    const made: Chain = { chain: v7(), sequence: 0, previous: chainStart };
    await registerTenant(tenant);
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
      // A batch stays within one block; the next batch has the rest.
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

/** Position of an entry in lists: entries of the same millisecond have the order of their chain. */
export const positionOf = ({ chain, sequence }: Pick<AuditEntry, 'chain' | 'sequence'>): string =>
  `${String(sequence).padStart(16, '0')}/${chain}`;

export function entryAt(position: string): { chain: string; sequence: number } {
  const [sequence, chain] = position.split('/');
  return { chain: chain!, sequence: Number(sequence) };
}

/** Keys that find an entry, in addition to its time. */
export const subjectsOf = {
  person: (id: string) => `person/${id}`,
  face: (id: string) => `face/${id}`,
  image: (id: string) => `image/${id}`,
  actor: (id: string) => `actor/${id}`,
  request: (id: string) => `request/${id}`,
} as const;

/** List entries of an audit entry. */
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
