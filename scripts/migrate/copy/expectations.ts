import type { AuditEntry } from '../../../shared/ports/audit.ts';
import type { Tenant } from '../../../shared/ports/tenant.ts';
import { createDigest, hashOf, type RunningDigest } from './digest.ts';

/** A row with its tenant; null: of the platform itself. */
export type TenantRow = readonly [tenant: Tenant | null, row: unknown];

/** What the target has to hold of a part, from the rows of the source; and whether it does, from its own. */
export interface Expectation {
  readonly wanted: Pick<RunningDigest, 'read'>;
  readonly found: Pick<RunningDigest, 'read'>;
  /** Takes a row of the source. */
  expect(row: TenantRow): void;
  /** Takes a row of the target, when all of the source were taken. */
  find(row: TenantRow): void;
  isMet(): boolean;
}

/** The same rows, and no others. */
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

/** The same rows among others. Each is remembered until it is found, so this is for parts of few rows. */
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
  /** The target has no room for this chain: nothing of it is looked for. */
  leaveOut(tenant: Tenant, chain: string): void;
}

interface Chain {
  /** Sequence of the source's last entry. */
  last: number;
  readonly wanted: RunningDigest;
  readonly found: RunningDigest;
}

/**
 * The same chains of the audit log, among others; a chain may have gone on in the target.
 *
 * [Note: Chains are proved, not entries]
 * A log has an entry for each call, so none is remembered: a chain of the source is there when the target's entries of that name, up to
 * the last that the source has, come to the same sum. What is kept grows with the chains, one for each process and tenant, and not with
 * the entries. Measured with 300,000 entries in a heap of 48 MB: 136 MB of memory at the most, 112 with an empty log. With a hash of
 * each it ran out of memory there, and took 513 MB without that limit where all of them went into an archive.
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
