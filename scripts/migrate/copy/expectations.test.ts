import { describe, expect, it } from 'vitest';
import { chainStart } from '../../../shared/domain/audit-chain.ts';
import type { AuditEntry } from '../../../shared/ports/audit.ts';
import { asTenant } from '../../../shared/ports/tenant.ts';
import { type Expectation, expectAmongOthers, expectChains, expectExactly, type TenantRow } from './expectations.ts';

const [acme, beta] = [asTenant('acme'), asTenant('beta')];
const rows = (...values: readonly number[]): TenantRow[] => values.map((value) => [acme, { value }]);

const isMet = (expectation: Expectation, source: readonly TenantRow[], target: readonly TenantRow[]): boolean => {
  for (const row of source) expectation.expect(row);
  for (const row of target) expectation.find(row);
  return expectation.isMet();
};

it.each([
  ['the same rows in another order', rows(2, 1), true, true],
  ['more rows', rows(1, 2, 3), false, true],
  ['fewer rows', rows(1), false, false],
  ['another row', rows(1, 3), false, false],
])('When a target has %s, then each expectation is met or not', (_, target, exactly, amongOthers) => {
  expect(isMet(expectExactly(), rows(1, 2), target)).toBe(exactly);
  expect(isMet(expectAmongOthers(), rows(1, 2), target)).toBe(amongOthers);
});

describe('chains of the audit log', () => {
  const source = [...chain('a', 3), ...chain('b', 2), ...chain('a', 2, beta)];
  const without = (index: number) => source.filter((_, i) => i !== index);

  it.each([
    ['the chains in another order', [...source.slice(3), ...source.slice(0, 3)], true],
    ['other chains and later entries', [...source, ...chain('c', 2), ...chain('a', 9).slice(3)], true],
    ['a chain without its first entry', without(0), false],
    ['a chain with a gap', without(1), false],
    ['a chain without its last entry', without(2), false],
    ['a chain of another tenant without its first entry', without(5), false],
    ['no chains', [], false],
    ['a changed entry', [...without(1), changed(source[1]!)], false],
    ['an entry twice', [...source, source[1]!], false],
  ])('When a target has %s, then the chains are proved or not', (_, target, proved) => {
    expect(isMet(expectChains(), source, target)).toBe(proved);
  });

  it('When a chain is excluded, then the other chains are proved without it', () => {
    const [first, second] = [expectChains(), expectChains()];
    for (const each of [first, second]) each.leaveOut(acme, 'b');

    expect(isMet(first, source, [...chain('a', 3), ...chain('a', 2, beta)])).toBe(true);
    expect(isMet(second, source, [...chain('a', 3)])).toBe(false);
    expect(first.wanted.read().count).toBe(7);
  });
});

/** The entries of a chain, as rows. */
function chain(name: string, length: number, tenant = acme): TenantRow[] {
  return Array.from({ length }, (_, index) => {
    const entry: AuditEntry = {
      action: 'get-person',
      actor: null,
      actorName: null,
      subjects: { persons: [], faces: [], images: [], more: 0 },
      status: 200,
      code: null,
      address: null,
      requestId: `request ${index}`,
      details: {},
      at: index,
      chain: name,
      sequence: index + 1,
      previous: chainStart,
      hash: chainStart,
    };
    return [tenant, entry];
  });
}

const changed = ([tenant, entry]: TenantRow): TenantRow => [tenant, { ...(entry as AuditEntry), status: 403 }];
