import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scopesOfRole } from '../domain/access.ts';
import type { RuntimeContext } from '../function/context.ts';
import { digestOf, newApiKey, parseApiKey, sameDigest } from '../identity/api-keys.ts';
import { rotateSigningKey } from '../identity/tokens.ts';
import type { Accounts } from '../ports/accounts.ts';
import { itemsOf } from '../ports/pages.ts';
import { defaultTenant } from '../ports/tenant.ts';

/** Name of the key that a fresh installation makes for its owner. */
const adminKeyName = 'admin.key';

export const adminKeyPath = (dataDir: string): string => join(dataDir, adminKeyName);

/**
 * Makes what nobody could make otherwise: the first tenant, a key to sign with, and the owner's key, written to `admin.key`
 * (mode 0600) in the data folder. Changes nothing when they are there. Resolves to whether the data folder has the owner's key.
 *
 * [Note: A lost admin key]
 * Whoever can write the data folder owns the installation anyway, so the file is also the way back in: delete it, start again,
 * and there is a new one; the old key is revoked. A key that was revoked over the API stays revoked until then. Where the accounts
 * are in an engine that many processes share, a folder without the file is the rule: there a start makes a key only when there is
 * none at all, and `npm run admin-key` is the way back in.
 */
export async function firstStart(accounts: Accounts, context: RuntimeContext): Promise<boolean> {
  const { config, log } = context;
  await makeFoundations(accounts, context);
  const path = adminKeyPath(config.dataDir);
  if (await isOurs(path, accounts)) return true;
  if (config.mode === 'distributed' && (await keysInForce(accounts)).length > 0) return false;
  const { key, keyId } = await newAdminKey(accounts);
  await writeAdminKey(path, key);
  log.info({ path, key_id: keyId }, 'admin key made');
  return true;
}

/** The first tenant and a key to sign with. */
export async function makeFoundations(accounts: Accounts, { clock }: Pick<RuntimeContext, 'clock'>): Promise<void> {
  if ((await accounts.getTenant(defaultTenant)) === null) {
    await accounts.createTenant({
      tenant: defaultTenant,
      name: 'Default',
      quota: { persons: null, faces: null, bytes: null },
      consentRequired: false,
      retention: { imagesDays: null, unknownFacesDays: null },
    });
  }
  await rotateSigningKey({ accounts, clock }, Number.POSITIVE_INFINITY);
}

/** A key that may do everything, instead of the one before, which is revoked. */
export async function newAdminKey(accounts: Accounts): Promise<{ key: string; keyId: string }> {
  for (const keyId of await keysInForce(accounts)) await accounts.revokeApiKey(defaultTenant, keyId);
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

/** Whether the file holds a key that the store knows, be it revoked. */
async function isOurs(path: string, accounts: Accounts): Promise<boolean> {
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
async function keysInForce(accounts: Accounts): Promise<string[]> {
  const ids: string[] = [];
  const keys = itemsOf((page) => accounts.listApiKeys(defaultTenant, { ...page, limit: 1000 }));
  for await (const { keyId, name, createdBy, revokedAt } of keys) {
    if (name === adminKeyName && createdBy === null && revokedAt === null) ids.push(keyId);
  }
  return ids;
}
