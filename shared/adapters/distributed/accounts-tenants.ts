import { isDeepStrictEqual } from 'node:util';
import { v7 } from 'uuid';
import { eachOf } from '../../domain/each-of.ts';
import { AppError } from '../../errors.ts';
import type { ApiKey, NewApiKey, NewTenant, TenantRecord, TenantSettings } from '../../ports/accounts.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { CallOptions } from '../../ports/tenant.ts';
import { atOnce } from './records-images.ts';
import { pageOf, platform, put } from './scylla/lists.ts';
import type { ScyllaStore } from './scylla/store.ts';

/** A tenant as it is stored. `firstKey` is created with the tenant; its own row is written when the key changes. */
export interface TenantDocument extends TenantRecord {
  readonly firstKey?: ApiKey;
}

const read = ({ documents }: ScyllaStore, tenant: string) => documents.get<TenantDocument>('tenants', tenant, tenant);

/** Errors: TENANT_EXISTS. */
export function create(
  { documents, now }: ScyllaStore,
  { tenant, name, ...settings }: NewTenant,
  firstKey: NewApiKey | undefined,
  options: CallOptions | undefined,
): Promise<TenantRecord> {
  return documents.change<TenantDocument, TenantRecord>(
    'tenants',
    tenant,
    tenant,
    (current) => {
      if (current !== null) throw new AppError('TENANT_EXISTS');
      const at = now();
      const record: TenantRecord = {
        tenant,
        name,
        ...settingsOf(settings),
        createdAt: at,
        updatedAt: at,
        version: 1,
      };
      const key: ApiKey | undefined = firstKey && { endsWith: null, ...firstKey, createdAt: at, revokedAt: null };
      return {
        next: { ...record, ...(key === undefined ? {} : { firstKey: key }) },
        effects: [
          ...put('tenants_by_age', platform, { at, id: v7() }, tenant),
          ...(key === undefined ? [] : put('api_keys_by_tenant', tenant, { at, id: v7() }, key.keyId)),
        ],
        result: record,
      };
    },
    options,
  );
}

export async function get(store: ScyllaStore, tenant: string): Promise<TenantRecord | null> {
  const document = await read(store, tenant);
  return document === null ? null : toTenant(document);
}

export const firstKeyOf = async (store: ScyllaStore, tenant: string): Promise<ApiKey | undefined> =>
  (await read(store, tenant))?.firstKey;

/** Errors: TENANT_NOT_FOUND. */
export async function requireTenant(store: ScyllaStore, tenant: string): Promise<void> {
  if ((await read(store, tenant)) === null) throw new AppError('TENANT_NOT_FOUND');
}

export const list = async (store: ScyllaStore, options: PageOptions): Promise<Page<TenantRecord>> =>
  await pageOf(store.scylla, await store.tokens(), JSON.stringify(['tenants']), 'tenants_by_age', platform, {
    ...options,
    order: 'up',
    load: (entries) => eachOf(entries, atOnce, ({ data }) => get(store, data)),
  });

/** The version stays the same when no value changes. Errors: TENANT_NOT_FOUND, VERSION_CONFLICT. */
export const update = (
  { documents, now }: ScyllaStore,
  tenant: string,
  changes: Partial<Pick<TenantRecord, 'name'> & TenantSettings>,
  options: (CallOptions & { version?: number | undefined }) | undefined,
): Promise<TenantRecord> =>
  documents.change<TenantDocument, TenantRecord>(
    'tenants',
    tenant,
    tenant,
    (current) => {
      if (current === null) throw new AppError('TENANT_NOT_FOUND');
      if (options?.version !== undefined && options.version !== current.version) {
        throw new AppError('VERSION_CONFLICT');
      }
      const changed: TenantDocument = { ...current, ...given(changes) };
      if (isDeepStrictEqual(toTenant(current), toTenant(changed)))
        return { next: undefined, result: toTenant(current) };
      const next = { ...changed, updatedAt: Math.max(now(), current.updatedAt), version: current.version + 1 };
      return { next, result: toTenant(next) };
    },
    options,
  );

/** The fields that are not undefined. */
export const given = <Changes extends object>(changes: Changes): Changes =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as Changes;

const settingsOf = ({ quota, consentRequired, retention, timeZone }: TenantSettings): TenantSettings => ({
  quota: { persons: quota.persons, faces: quota.faces, bytes: quota.bytes },
  consentRequired,
  retention: { imagesDays: retention.imagesDays, unknownFacesDays: retention.unknownFacesDays },
  timeZone,
});

/** Documents from before `timeZone` lack it. */
const toTenant = ({ firstKey: _, ...record }: TenantDocument): TenantRecord => ({
  ...record,
  timeZone: record.timeZone ?? null,
});
