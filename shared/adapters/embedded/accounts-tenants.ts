import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../errors.ts';
import type { NewTenant, Quota, Retention, TenantRecord, TenantSettings } from '../../ports/accounts.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { PageTokens } from '../page-token.ts';
import { type Numbered, pageOf } from './accounts-page.ts';
import type { Database } from './database.ts';

interface TenantRow extends Numbered {
  tenant: Tenant;
  name: string;
  quota: string;
  consent_required: number;
  retention: string;
  time_zone: string | null;
  created_at: number;
  updated_at: number;
  version: number;
}

/** Inside a transaction. Errors: TENANT_EXISTS. */
export function create(database: Database, tenant: NewTenant, now: number): TenantRecord {
  if (get(database, tenant.tenant) !== null) throw new AppError('TENANT_EXISTS');
  database.run(
    `INSERT INTO tenants (tenant, name, quota, consent_required, retention, time_zone, created_at, updated_at, version)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)`,
    [tenant.tenant, ...settingValues(tenant), now, now],
  );
  return get(database, tenant.tenant)!;
}

export function get(database: Database, tenant: Tenant): TenantRecord | null {
  const row = database.get<TenantRow>('SELECT * FROM tenants WHERE tenant = ?', [tenant]);
  return row === undefined ? null : toTenant(row);
}

/** Errors: TENANT_NOT_FOUND. */
export function requireTenant(database: Database, tenant: Tenant): void {
  if (database.get('SELECT 1 FROM tenants WHERE tenant = ?', [tenant]) === undefined)
    throw new AppError('TENANT_NOT_FOUND');
}

export const list = (database: Database, tokens: PageTokens, options: PageOptions): Page<TenantRecord> =>
  pageOf<TenantRow, TenantRecord>(database, tokens, options, { table: 'tenants', tenant: null, toItem: toTenant });

/** Inside a transaction. The version stays if all values stay the same. Errors: TENANT_NOT_FOUND, VERSION_CONFLICT. */
export function update(
  database: Database,
  tenant: Tenant,
  changes: Partial<Pick<TenantRecord, 'name'> & TenantSettings>,
  version: number | undefined,
  now: number,
): TenantRecord {
  const before = get(database, tenant);
  if (before === null) throw new AppError('TENANT_NOT_FOUND');
  if (version !== undefined && version !== before.version) throw new AppError('VERSION_CONFLICT');
  const after: TenantRecord = { ...before, ...given(changes) };
  if (isDeepStrictEqual(before, after)) return before;
  database.run(
    `UPDATE tenants SET name = ?, quota = ?, consent_required = ?, retention = ?, time_zone = ?, updated_at = max(?, updated_at),
       version = version + 1
     WHERE tenant = ?`,
    [...settingValues(after), now, tenant],
  );
  return get(database, tenant)!;
}

/** The changes without the fields that are undefined. */
export const given = <Changes extends object>(changes: Changes): Changes =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as Changes;

/** name, quota, consent_required, retention */
const settingValues = ({
  name,
  quota: { persons, faces, bytes },
  consentRequired,
  retention: { imagesDays, unknownFacesDays },
  timeZone,
}: Pick<TenantRecord, 'name'> & TenantSettings): [string, string, number, string, string | null] => [
  name,
  JSON.stringify({ persons, faces, bytes } satisfies Quota),
  Number(consentRequired),
  JSON.stringify({ imagesDays, unknownFacesDays } satisfies Retention),
  timeZone,
];

const toTenant = (row: TenantRow): TenantRecord => ({
  tenant: row.tenant,
  name: row.name,
  quota: JSON.parse(row.quota) as Quota,
  consentRequired: row.consent_required === 1,
  retention: JSON.parse(row.retention) as Retention,
  timeZone: row.time_zone,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  version: row.version,
});
