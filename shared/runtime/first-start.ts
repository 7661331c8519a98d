import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scopesOfRole } from '../domain/access.ts';
import type { RuntimeContext } from '../function/context.ts';
import { digestOf, newApiKey, parseApiKey, sameDigest } from '../identity/api-keys.ts';
import { rotateSigningKey } from '../identity/tokens.ts';
import type { Accounts } from '../ports/accounts.ts';
import { itemsOf } from '../ports/pages.ts';
import { defaultTenant } from '../ports/tenant.ts';

/** Name of the API key that a new installation creates for its owner. */
const adminKeyName = 'admin.key';

export const adminKeyPath = (dataDir: string): string => join(dataDir, adminKeyName);

/**
 * Creates what the API cannot create: the first tenant, a signing key, and the owner's API key. The API key is written to `admin.key`
 * (mode 0600) in the data folder. Existing ones are not changed. Resolves to whether the data folder contains the owner's key.
 *
 * [Note: A lost admin key]
 * A user who can write to the data folder already controls the installation. So the owner recovers access with the file: when the file is
 * deleted, the next start creates a new key and revokes the old one. A key that was revoked over the API stays revoked until then. In
 * distributed mode many processes share the accounts, and most data folders have no such file. There, a start creates a key only if no
 * owner's key is active, and `npm run admin-key` recovers access.
 */
export async function firstStart(accounts: Accounts, context: RuntimeContext): Promise<boolean> {
  const { config, log } = context;
  await makeFoundations(accounts, context);
  const path = adminKeyPath(config.dataDir);
  if (await containsKnownKey(path, accounts)) return true;
  if (config.mode === 'distributed' && (await activeAdminKeys(accounts)).length > 0) return false;
  const { key, keyId } = await newAdminKey(accounts);
  await writeAdminKey(path, key);
  log.info({ path, key_id: keyId }, 'admin key created');
  return true;
}

/** Creates the first tenant and a signing key, if they do not exist. */
export async function makeFoundations(accounts: Accounts, { clock }: Pick<RuntimeContext, 'clock'>): Promise<void> {
  if ((await accounts.getTenant(defaultTenant)) === null) {
    await accounts.createTenant({
      tenant: defaultTenant,
      name: 'Default',
      quota: { persons: null, faces: null, bytes: null },
      consentRequired: false,
      retention: { imagesDays: null, unknownFacesDays: null },
      timeZone: null,
    });
  }
  await rotateSigningKey({ accounts, clock }, Number.POSITIVE_INFINITY);
}

/** Creates an API key with all scopes and revokes the previous one. */
export async function newAdminKey(accounts: Accounts): Promise<{ key: string; keyId: string }> {
  for (const keyId of await activeAdminKeys(accounts)) await accounts.revokeApiKey(defaultTenant, keyId);
  const { key, keyId, secretDigest } = newApiKey(defaultTenant);
  await accounts.createApiKey(defaultTenant, {
    keyId,
    secretDigest,
    name: adminKeyName,
    scopes: scopesOfRole.owner,
    createdBy: null,
    expiresAt: null,
  });
  return { key, keyId };
}

export async function writeAdminKey(path: string, key: string): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, `${key}\n`, { mode: 0o600, flag: 'wx' });
}

/** Whether the file contains a key of this installation. The key may be revoked. */
async function containsKnownKey(path: string, accounts: Accounts): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const parsed = parseApiKey(text.trim());
  if (parsed === null) return false;
  const stored = await accounts.getApiKey(parsed.tenant, parsed.keyId);
  return stored !== null && sameDigest(digestOf(parsed.secret), stored.secretDigest);
}

/** Ids of owner's keys that are not revoked. */
async function activeAdminKeys(accounts: Accounts): Promise<string[]> {
  const ids: string[] = [];
  const keys = itemsOf((page) => accounts.listApiKeys(defaultTenant, { ...page, limit: 1000 }));
  for await (const { keyId, name, createdBy, revokedAt } of keys) {
    if (name === adminKeyName && createdBy === null && revokedAt === null) ids.push(keyId);
  }
  return ids;
}
