import type { AuditEntry, AuditFilter } from '../../ports/audit.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import { asTenant, type Tenant } from '../../ports/tenant.ts';
import type { PageTokens } from '../page-token.ts';
import { type AuditRow, toEntry } from './audit-rows.ts';
import type { Database, Value } from './database.ts';

/** Most entries of a page. */
const most = 1000;
/** Rows per statement of a walk. */
const step = 200;

export const lastEntry = (
  database: Database,
  tenant: Tenant,
): Pick<AuditRow, 'chain' | 'sequence' | 'hash'> | undefined =>
  database.get('SELECT chain, sequence, hash FROM audit_entries WHERE tenant = ? ORDER BY sequence DESC LIMIT 1', [
    tenant,
  ]);

/** A page, newest first. Entries of the same millisecond are ordered by sequence. */
export function listEntries(
  database: Database,
  tokens: PageTokens,
  tenant: Tenant,
  filter: AuditFilter,
  { limit, after }: PageOptions,
): Page<AuditEntry> {
  if (!Number.isInteger(limit) || limit < 1 || limit > most) throw new RangeError(`limit must be 1 to ${most}`);
  const listing = JSON.stringify(['audit', tenant, Object.entries(filter).sort()]);
  const position = after === undefined ? undefined : tokens.read(listing, after);
  const { sql, values } = selection(tenant, filter, position && [position[0], Number(position[1])]);
  const rows = database.all<AuditRow>(sql, [...values, limit + 1]);
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(toEntry),
    next: rows.length > limit && last !== undefined ? tokens.write(listing, [last.at, String(last.sequence)]) : null,
  };
}

/**
 * [Note: Audit entries by subject]
 * A filter by subject reads the rows of that subject and looks up each entry; it does not scan the log. CROSS JOIN fixes the order of
 * the join: without statistics, SQLite's planner may choose the other order.
 */
function selection(tenant: Tenant, filter: AuditFilter, position: readonly [at: number, sequence: number] | undefined) {
  const subjects = [
    ['person', filter.personId],
    ['face', filter.faceId],
    ['image', filter.imageId],
  ].flatMap(([kind, id]) => (kind === undefined || id === undefined ? [] : [[kind, id] as const]));
  const [first, ...others] = subjects;
  const walked = first === undefined ? 'entry' : 'subject';
  const where: string[] = [];
  const values: Value[] = [];
  const and = (condition: string, ...more: Value[]) => {
    where.push(condition);
    values.push(...more);
  };
  if (first !== undefined) and('subject.tenant = ? AND subject.kind = ? AND subject.id = ?', tenant, ...first);
  and('entry.tenant = ?', tenant);
  for (const other of others) {
    and(
      `EXISTS (SELECT 1 FROM audit_subjects AS other WHERE other.tenant = entry.tenant AND other.kind = ? AND other.id = ?
         AND other.at = entry.at AND other.sequence = entry.sequence)`,
      ...other,
    );
  }
  if (filter.actor !== undefined) and('entry.actor = ?', filter.actor);
  if (filter.action !== undefined) and('entry.action = ?', filter.action);
  if (filter.requestId !== undefined) and('entry.request_id = ?', filter.requestId);
  if (filter.from !== undefined) and(`${walked}.at >= ?`, filter.from);
  if (filter.to !== undefined) and(`${walked}.at < ?`, filter.to);
  if (position !== undefined) and(`(${walked}.at, ${walked}.sequence) < (?, ?)`, ...position);
  const from =
    first === undefined
      ? 'audit_entries AS entry'
      : 'audit_subjects AS subject CROSS JOIN audit_entries AS entry ON entry.tenant = subject.tenant AND entry.sequence = subject.sequence';
  return {
    sql: `SELECT entry.* FROM ${from} WHERE ${where.join(' AND ')} ORDER BY ${walked}.at DESC, ${walked}.sequence DESC LIMIT ?`,
    values,
  };
}

/** Reads all entries from first to last, `step` in one turn of the event loop. */
export async function* walkChain(
  database: Database,
  tenant: Tenant,
  signal: AbortSignal | undefined,
): AsyncGenerator<AuditEntry> {
  let after = Number.MIN_SAFE_INTEGER;
  for (;;) {
    signal?.throwIfAborted();
    const rows = database.all<AuditRow>(
      'SELECT * FROM audit_entries WHERE tenant = ? AND sequence > ? ORDER BY sequence LIMIT ?',
      [tenant, after, step],
    );
    for (const row of rows) yield toEntry(row);
    if (rows.length < step) return;
    after = rows.at(-1)!.sequence;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Jumps from tenant to tenant in the index, so it reads one row for each tenant. */
export const tenantsWithEntries = (database: Database): Tenant[] =>
  database
    .all<{ tenant: string }>(
      `WITH RECURSIVE each (tenant) AS (
         SELECT min(tenant) FROM audit_entries
         UNION ALL
         SELECT (SELECT min(tenant) FROM audit_entries WHERE tenant > each.tenant) FROM each WHERE each.tenant IS NOT NULL
       ) SELECT tenant FROM each WHERE tenant IS NOT NULL`,
    )
    .map((row) => asTenant(row.tenant));

/** Number of subjects that the index does not contain, and of index rows that no entry has. */
export const wronglyIndexed = (database: Database, tenant: Tenant): number => {
  const count = (sql: string, values: readonly Value[]) => database.get<{ n: number }>(sql, values)!.n;
  const missing = count(
    `SELECT count(*) AS n FROM audit_entries AS entry, json_each(json_array('person', 'face', 'image')) AS kind,
       json_each(entry.subjects, '$.' || kind.value || 's') AS id
     WHERE entry.tenant = ? AND NOT EXISTS (SELECT 1 FROM audit_subjects AS subject WHERE subject.tenant = entry.tenant
       AND subject.kind = kind.value AND subject.id = id.value AND subject.at = entry.at AND subject.sequence = entry.sequence)`,
    [tenant],
  );
  const extra = count(
    `SELECT count(*) AS n FROM audit_subjects AS subject WHERE subject.tenant = ?1 AND NOT EXISTS (
       SELECT 1 FROM audit_entries AS entry, json_each(entry.subjects, '$.' || subject.kind || 's') AS id
       WHERE entry.tenant = ?1 AND entry.sequence = subject.sequence AND entry.at = subject.at AND id.value = subject.id)`,
    [tenant],
  );
  return missing + extra;
};
