import { randomBytes } from 'node:crypto';
import { AppError } from '../../errors.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { Erasure } from '../../ports/records/erasures.ts';
import type { Tenant } from '../../ports/tenant.ts';
import { contentMark, personMark } from '../erasure-marks.ts';
import type { PageTokens } from '../page-token.ts';
import type { Database } from './database.ts';
import { page } from './records-reading.ts';

const keyName = 'erasure-key';

/** Inside a transaction. Errors: PERSON_ERASED. */
export function refuseErasedPerson(database: Database, tenant: Tenant, personId: string): void {
  if (isMarked(database, tenant, personMark(personId))) throw new AppError('PERSON_ERASED');
}

/** Inside a transaction. */
export const markPerson = (database: Database, tenant: Tenant, personId: string, now: number): void =>
  mark(database, tenant, personMark(personId), now);

/** Inside a transaction. Resolves to the number of different photos. `digests`: SHA-256, hex. */
export function markContents(database: Database, tenant: Tenant, digests: Iterable<string>, now: number): number {
  const different = new Set(digests);
  if (different.size === 0) return 0;
  const key = erasureKey(database) ?? makeKey(database);
  for (const digest of different) mark(database, tenant, contentMark(key, tenant, digest), now);
  return different.size;
}

/** Inside a transaction. */
export function unmarkContent(database: Database, tenant: Tenant, digest: string): void {
  const key = erasureKey(database);
  if (key === null) return;
  database.run('DELETE FROM erasures WHERE tenant = ? AND subject = ?', [tenant, contentMark(key, tenant, digest)]);
}

export function isContentErased(database: Database, tenant: Tenant, digest: string): boolean {
  const key = erasureKey(database);
  return key !== null && isMarked(database, tenant, contentMark(key, tenant, digest));
}

export function erasedPersons(database: Database, tenant: Tenant, personIds: readonly string[]): string[] {
  if (personIds.length > 1000) throw new RangeError('at most 1000 ids at once');
  return [...new Set(personIds)].filter((personId) => isMarked(database, tenant, personMark(personId)));
}

export const listErasures = (
  database: Database,
  tokens: PageTokens,
  tenant: Tenant,
  options: PageOptions,
): Page<Erasure> =>
  page<{ subject: string; at: number }, Erasure>(database, tokens, options, {
    listing: JSON.stringify(['erasures', tenant]),
    select: 'SELECT subject, at FROM erasures INDEXED BY erasures_by_age',
    where: 'tenant = ?',
    values: [tenant],
    order: 'ASC',
    by: 'at',
    id: 'subject',
    toItem: ({ subject, at }) => ({ subject, at }),
  });

/** Hex; null: there is no key yet. */
export function erasureKey(database: Database): string | null {
  const row = database.get<{ value: ArrayBuffer }>('SELECT value FROM settings WHERE name = ?', [keyName]);
  return row === undefined ? null : Buffer.from(row.value).toString('hex');
}

/** Inside a transaction. */
export function setErasureKey(database: Database, key: string): void {
  database.run('INSERT INTO settings (name, value) VALUES (?, ?)', [keyName, Buffer.from(key, 'hex')]);
}

/** Inside a transaction. */
export const mark = (database: Database, tenant: Tenant, subject: string, at: number): void =>
  void database.run('INSERT INTO erasures (tenant, subject, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', [
    tenant,
    subject,
    at,
  ]);

function makeKey(database: Database): string {
  const key = randomBytes(32).toString('hex');
  setErasureKey(database, key);
  return key;
}

const isMarked = (database: Database, tenant: Tenant, subject: string): boolean =>
  database.get('SELECT 1 FROM erasures WHERE tenant = ? AND subject = ?', [tenant, subject]) !== undefined;
