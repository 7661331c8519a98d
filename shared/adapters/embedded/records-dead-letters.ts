import type { Event } from '../../ports/events.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { DeadLetterFilter, StoredDeadLetter } from '../../ports/records/dead-letters.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { PageTokens } from '../page-token.ts';
import type { Database } from './database.ts';
import { page } from './records-reading.ts';

interface LetterRow {
  dead_letter_id: string;
  type: string;
  topic: string | null;
  group_name: string | null;
  status: number | null;
  reason: string | null;
  attempts: number | null;
  at: number;
  event: string;
}

/** Inside a transaction. */
export function saveDeadLetter(database: Database, tenant: Tenant, letter: StoredDeadLetter): void {
  const { deadLetterId, type, topic, group, status, reason, attempts, at, event } = letter;
  database.run(
    `INSERT OR REPLACE INTO dead_letters
       (tenant, dead_letter_id, type, topic, group_name, status, reason, attempts, at, event)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [tenant, deadLetterId, type, topic, group, status, reason, attempts, at, JSON.stringify(event)],
  );
}

export function getDeadLetter(database: Database, tenant: Tenant, deadLetterId: string): StoredDeadLetter | null {
  const row = database.get<LetterRow>('SELECT * FROM dead_letters WHERE tenant = ? AND dead_letter_id = ?', [
    tenant,
    deadLetterId,
  ]);
  return row === undefined ? null : toLetter(row);
}

export function listDeadLetters(
  database: Database,
  tokens: PageTokens,
  tenant: Tenant,
  { type, reason }: DeadLetterFilter,
  options: PageOptions,
): Page<StoredDeadLetter> {
  const conditions = Object.entries({ type, reason }).filter((each) => each[1] !== undefined) as [string, string][];
  return page<LetterRow, StoredDeadLetter>(database, tokens, options, {
    listing: JSON.stringify(['dead-letters', tenant, type ?? null, reason ?? null]),
    select: 'SELECT * FROM dead_letters INDEXED BY dead_letters_by_age',
    where: ['tenant = ?', ...conditions.map(([column]) => `${column} = ?`)].join(' AND '),
    values: [tenant, ...conditions.map(([, value]) => value)],
    order: 'DESC',
    by: 'at',
    id: 'dead_letter_id',
    toItem: toLetter,
  });
}

/** Inside a transaction. */
export const removeDeadLetter = (database: Database, tenant: Tenant, deadLetterId: string): boolean =>
  database.run('DELETE FROM dead_letters WHERE tenant = ? AND dead_letter_id = ?', [tenant, deadLetterId]).changes > 0;

/** Inside a transaction. */
export const expireDeadLetters = (database: Database, before: number, limit: number): number =>
  database.run(
    `DELETE FROM dead_letters WHERE (tenant, dead_letter_id) IN
       (SELECT tenant, dead_letter_id FROM dead_letters WHERE at < ? ORDER BY at LIMIT ?)`,
    [before, limit],
  ).changes;

const toLetter = ({ dead_letter_id, group_name, event, ...row }: LetterRow): StoredDeadLetter => ({
  deadLetterId: dead_letter_id,
  event: JSON.parse(event) as Event,
  type: row.type,
  topic: row.topic,
  group: group_name,
  status: row.status,
  reason: row.reason,
  attempts: row.attempts,
  at: row.at,
});
