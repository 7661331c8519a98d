import type { Scope } from '../../domain/access.ts';
import type { ApiKey, NewApiKey, SigningKey } from '../../ports/accounts.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { PageTokens } from '../page-token.ts';
import { type Numbered, pageOf } from './accounts-page.ts';
import { requireTenant } from './accounts-tenants.ts';
import type { Database } from './database.ts';

interface ApiKeyRow extends Numbered {
  key_id: string;
  name: string;
  scopes: string;
  secret_digest: string;
  created_by: string | null;
  ends_with: string | null;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
}

interface SigningKeyRow {
  key_id: string;
  algorithm: SigningKey['algorithm'];
  private_jwk: string;
  public_jwk: string;
  created_at: number;
}

/** Inside a transaction. Errors: TENANT_NOT_FOUND. */
export function create(database: Database, tenant: Tenant, key: NewApiKey, now: number): ApiKey {
  requireTenant(database, tenant);
  database.run(
    `INSERT INTO api_keys (tenant, key_id, name, scopes, secret_digest, created_by, created_at, expires_at, ends_with)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      tenant,
      key.keyId,
      key.name,
      JSON.stringify(key.scopes),
      key.secretDigest,
      key.createdBy,
      now,
      key.expiresAt,
      key.endsWith ?? null,
    ],
  );
  return get(database, tenant, key.keyId)!;
}

export function get(database: Database, tenant: Tenant, keyId: string): ApiKey | null {
  const row = database.get<ApiKeyRow>('SELECT * FROM api_keys WHERE tenant = ? AND key_id = ?', [tenant, keyId]);
  return row === undefined ? null : toApiKey(row);
}

export const list = (database: Database, tokens: PageTokens, tenant: Tenant, options: PageOptions): Page<ApiKey> =>
  pageOf<ApiKeyRow, ApiKey>(database, tokens, options, { table: 'api_keys', tenant, toItem: toApiKey });

/** Inside a transaction. */
export function revoke(database: Database, tenant: Tenant, keyId: string, now: number): ApiKey | null {
  database.run('UPDATE api_keys SET revoked_at = ? WHERE tenant = ? AND key_id = ? AND revoked_at IS NULL', [
    now,
    tenant,
    keyId,
  ]);
  return get(database, tenant, keyId);
}

/** Newest first. */
export const signingKeys = (database: Database): SigningKey[] =>
  database.all<SigningKeyRow>('SELECT * FROM signing_keys ORDER BY created_at DESC, number DESC').map((row) => ({
    keyId: row.key_id,
    algorithm: row.algorithm,
    privateJwk: row.private_jwk,
    publicJwk: row.public_jwk,
    createdAt: row.created_at,
  }));

/** Inside a transaction. Returns false, and adds nothing, if a key is newer than `unlessNewerThan`. */
export function addSigningKey(
  database: Database,
  key: Omit<SigningKey, 'createdAt'>,
  unlessNewerThan: number,
  now: number,
): boolean {
  if (database.get('SELECT 1 FROM signing_keys WHERE created_at > ?', [unlessNewerThan]) !== undefined) return false;
  database.run(
    'INSERT INTO signing_keys (key_id, algorithm, private_jwk, public_jwk, created_at) VALUES (?, ?, ?, ?, ?)',
    [key.keyId, key.algorithm, key.privateJwk, key.publicJwk, now],
  );
  return true;
}

const toApiKey = (row: ApiKeyRow): ApiKey => ({
  keyId: row.key_id,
  name: row.name,
  scopes: JSON.parse(row.scopes) as Scope[],
  secretDigest: row.secret_digest,
  createdBy: row.created_by,
  endsWith: row.ends_with,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
});
