import type { AuditEntry } from '../../../shared/ports/audit.ts';
import type { Tenant } from '../../../shared/ports/tenant.ts';
import { createDigest, hashOf, type RunningDigest } from './digest.ts';

/** A row with its tenant; null: the row belongs to the platform itself. */
export type TenantRow = readonly [tenant: Tenant | null, row: unknown];

/** Compares the rows of one part in the target with those in the source. */
export interface Expectation {
  readonly wanted: Pick<RunningDigest, 'read'>;
  readonly found: Pick<RunningDigest, 'read'>;
  /** Adds a row of the source. */
  expect(row: TenantRow): void;
  /** Adds a row of the target. Call it only after all rows of the source were added. */
  find(row: TenantRow): void;
  isMet(): boolean;
}

/** The target must have the same rows, and no others. */
export function expectExactly(): Expectation {
  const [wanted, found] = [createDigest(), createDigest()];
  return {
    wanted,
    found,
    expect: (row) => wanted.add(hashOf(row)),
    find: (row) => found.add(hashOf(row)),
    isMet: () => wanted.read().digest === found.read().digest,
  };
}

/** The target must have the same rows, and may have others. Keeps the hash of every missing row, so use it for parts with few rows. */
export function expectAmongOthers(): Expectation {
  const [wanted, found] = [createDigest(), createDigest()];
  const missing = new Set<bigint>();
  return {
    wanted,
    found,
    expect(row) {
      const hash = hashOf(row);
      wanted.add(hash);
      missing.add(hash);
    },
    find(row) {
      const hash = hashOf(row);
      found.add(hash);
      missing.delete(hash);
    },
    isMet: () => missing.size === 0,
  };
}

export interface ChainsExpectation extends Expectation {
  /** The target cannot store this chain: its entries are not expected. */
  leaveOut(tenant: Tenant, chain: string): void;
}

interface Chain {
  /** Sequence number of the last entry in the source. */
  last: number;
  readonly wanted: RunningDigest;
  readonly found: RunningDigest;
}

/**
 * The target must have the same chains of the audit log. It may have other chains, and longer chains.
 *
 * [Note: Chains are proved, not entries]
 * The log has one entry for each request, which is too much to keep in memory. So the digest of a whole chain is compared: the target's
 * entries of that chain, up to the last sequence number of the source, must have the same digest. The memory grows with the number of
 * chains (one for each process and tenant), not with the number of entries. Measured with 300,000 entries in a heap of 48 MB: at most
 * 136 MB of memory, against 112 MB with an empty log. A version that kept a hash of each entry ran out of memory with that heap. Without
 * the limit it took 513 MB when all entries went into an archive.
 */
export function expectChains(): ChainsExpectation {
  const [wanted, found] = [createDigest(), createDigest()];
  const chains = new Map<string, Chain>();
  const leftOut = new Set<string>();
  const nameOf = (tenant: Tenant | null, chain: string) => JSON.stringify([tenant, chain]);
  const read = (row: TenantRow) => {
    const { chain, sequence } = row[1] as AuditEntry;
    return { hash: hashOf(row), name: nameOf(row[0], chain), sequence };
  };
  return {
    wanted,
    found,
    expect(row) {
      const { hash, name, sequence } = read(row);
      const chain = chains.get(name) ?? { last: sequence, wanted: createDigest(), found: createDigest() };
      chain.last = Math.max(chain.last, sequence);
      chain.wanted.add(hash);
      chains.set(name, chain);
      wanted.add(hash);
    },
    find(row) {
      const { hash, name, sequence } = read(row);
      const chain = chains.get(name);
      if (chain !== undefined && sequence <= chain.last) chain.found.add(hash);
      found.add(hash);
    },
    leaveOut: (tenant, chain) => void leftOut.add(nameOf(tenant, chain)),
    isMet: () =>
      [...chains].every(
        ([name, chain]) => leftOut.has(name) || chain.wanted.read().digest === chain.found.read().digest,
      ),
  };
}
