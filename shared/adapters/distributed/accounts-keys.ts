import { v7 } from 'uuid';
import { eachOf } from '../../domain/each-of.ts';
import type { ApiKey, NewApiKey, SigningKey } from '../../ports/accounts.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { CallOptions } from '../../ports/tenant.ts';
import { firstKeyOf, requireTenant } from './accounts-tenants.ts';
import { atOnce } from './records-images.ts';
import { pageOf, platform, put } from './scylla/lists.ts';
import type { ScyllaStore } from './scylla/store.ts';

/** Errors: TENANT_NOT_FOUND. */
export async function create(
  store: ScyllaStore,
  tenant: string,
  key: NewApiKey,
  options: CallOptions | undefined,
): Promise<ApiKey> {
  await requireTenant(store, tenant);
  return await store.documents.change<ApiKey, ApiKey>(
    'api_keys',
    tenant,
    key.keyId,
    (current) => {
      if (current !== null) throw new Error(`the key ${key.keyId} already exists`);
      const made: ApiKey = { endsWith: null, ...key, createdAt: store.now(), revokedAt: null };
      return {
        next: made,
        effects: put('api_keys_by_tenant', tenant, { at: made.createdAt, id: v7() }, key.keyId),
        result: made,
      };
    },
    options,
  );
}

/** The first key of a tenant is stored with the tenant until it changes. */
export async function get(store: ScyllaStore, tenant: string, keyId: string): Promise<ApiKey | null> {
  const key = await store.documents.get<ApiKey>('api_keys', tenant, keyId);
  if (key !== null) return withLineage(key);
  const first = await firstKeyOf(store, tenant);
  return first?.keyId === keyId ? withLineage(first) : null;
}

/** Rows of an earlier version have no `endsWith`. */
const withLineage = (key: ApiKey): ApiKey => ({ ...key, endsWith: key.endsWith ?? null });

export const list = async (store: ScyllaStore, tenant: string, options: PageOptions): Promise<Page<ApiKey>> =>
  await pageOf(store.scylla, await store.tokens(), JSON.stringify(['api-keys', tenant]), 'api_keys_by_tenant', tenant, {
    ...options,
    order: 'up',
    load: (entries) => eachOf(entries, atOnce, ({ data }) => get(store, tenant, data)),
  });

export const revoke = (
  store: ScyllaStore,
  tenant: string,
  keyId: string,
  options: CallOptions | undefined,
): Promise<ApiKey | null> =>
  store.documents.change<ApiKey, ApiKey | null>(
    'api_keys',
    tenant,
    keyId,
    async (stored) => {
      const current = stored ?? (await get(store, tenant, keyId));
      if (current === null || current.revokedAt !== null) return { next: undefined, result: current };
      const next = { ...current, revokedAt: store.now() };
      return { next, result: next };
    },
    options,
  );

/** All signing keys are in one row: they are few, and must be created one after another. */
interface SigningKeys {
  /** Newest first. */
  readonly keys: readonly SigningKey[];
}
const row = ['signing_keys', platform, 'all'] as const;

export const signingKeys = async ({ documents }: ScyllaStore): Promise<SigningKey[]> => [
  ...((await documents.get<SigningKeys>(...row))?.keys ?? []),
];

export const addSigningKey = (
  { documents, now }: ScyllaStore,
  key: Omit<SigningKey, 'createdAt'>,
  options: CallOptions & { readonly unlessNewerThan: number },
): Promise<boolean> =>
  documents.change<SigningKeys, boolean>(
    ...row,
    (current) => {
      const keys = current?.keys ?? [];
      if (keys.some(({ createdAt }) => createdAt > options.unlessNewerThan)) return { next: undefined, result: false };
      const { keyId, algorithm, privateJwk, publicJwk } = key;
      const made: SigningKey = { keyId, algorithm, privateJwk, publicJwk, createdAt: now() };
      return { next: { keys: [made, ...keys].sort((a, b) => b.createdAt - a.createdAt) }, result: true };
    },
    options,
  );
