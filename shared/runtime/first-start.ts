import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scopesOfRole } from '../domain/access.ts';
import { digestOf, newApiKey, parseApiKey, sameDigest } from '../identity/api-keys.ts';
import { rotateSigningKey } from '../identity/tokens.ts';
import type { Accounts } from '../ports/accounts.ts';
import { defaultTenant } from '../ports/tenant.ts';
import type { RuntimeContext } from './context.ts';

/** Name of the key that a fresh installation makes for its owner. */
const adminKeyName = 'admin.key';

export const adminKeyPath = (dataDir: string): string => join(dataDir, adminKeyName);

/**
 * Makes what nobody could make otherwise: the first tenant, a key to sign with, and the owner's key, written to `admin.key`
 * (mode 0600) in the data folder. Changes nothing when they are there.
 *
 * [Note: A lost admin key]
 * Whoever can write the data folder owns the installation anyway, so the file is also the way back in: delete it, start again,
 * and there is a new one; the old key is revoked. A key that was revoked over the API stays revoked until then.
 */
export async function firstStart(accounts: Accounts, context: RuntimeContext): Promise<void> {
  const { clock, config, log } = context;
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
  const path = adminKeyPath(config.dataDir);
  if (await isOurs(path, accounts)) return;
  await rm(path, { force: true });
  await revokeEarlier(accounts);
  const { key, keyId, secretDigest } = newApiKey(defaultTenant);
  await accounts.createApiKey(defaultTenant, {
    keyId,
    secretDigest,
    name: adminKeyName,
    scopes: scopesOfRole.owner,
    createdBy: null,
    expiresAt: null,
  });
  await writeFile(path, `${key}\n`, { mode: 0o600, flag: 'wx' });
  log.info({ path, key_id: keyId }, 'admin key made');
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

async function revokeEarlier(accounts: Accounts): Promise<void> {
  let after: string | undefined;
  do {
    const { items, next } = await accounts.listApiKeys(defaultTenant, { limit: 1000, after });
    for (const { keyId, name, createdBy, revokedAt } of items) {
      if (name === adminKeyName && createdBy === null && revokedAt === null) {
        await accounts.revokeApiKey(defaultTenant, keyId);
      }
    }
    after = next ?? undefined;
  } while (after !== undefined);
}
