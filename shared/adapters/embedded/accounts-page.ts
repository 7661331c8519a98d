import type { Page, PageOptions } from '../../ports/pages.ts';
import type { PageTokens } from '../page-token.ts';
import type { Database, Value } from './database.ts';

export interface Numbered {
  /** Order of creation. */
  readonly number: number;
}

interface Listing<Row extends Numbered, Item> {
  readonly table: 'tenants' | 'users' | 'api_keys' | 'webhooks';
  /** null: all tenants' rows. */
  readonly tenant: string | null;
  readonly toItem: (row: Row) => Item;
}

/**
 * One page, oldest first. Rows that are added or deleted between two pages cause no gap and no repeat.
 * Errors: AppError PAGE_TOKEN_INVALID.
 */
export function pageOf<Row extends Numbered, Item>(
  database: Database,
  tokens: PageTokens,
  { limit, after }: PageOptions,
  { table, tenant, toItem }: Listing<Row, Item>,
): Page<Item> {
  const listing = JSON.stringify([table, tenant]);
  const [from] = after === undefined ? [0] : tokens.read(listing, after);
  const values: Value[] = [...(tenant === null ? [] : [tenant]), from, limit + 1];
  const rows = database.all<Row>(
    `SELECT * FROM ${table} WHERE ${tenant === null ? '' : 'tenant = ? AND '}number > ? ORDER BY number LIMIT ?`,
    values,
  );
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    items: kept.map(toItem),
    next: rows.length > limit && last !== undefined ? tokens.write(listing, [last.number, '']) : null,
  };
}
