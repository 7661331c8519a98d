import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createPageTokens, type PageTokens } from '../page-token.ts';
import { openDataFolder } from './data-folder.ts';
import { type Database, openDatabase } from './database.ts';
import { openKeyFile } from './key-file.ts';
import { type Migration, migrate, migrations } from './migrations.ts';
import { lockStore } from './store-lock.ts';
import type { StoreOptions } from './store-options.ts';

/** Stores in one database, `<name>.db` in the data folder. */
export type StoreName = Exclude<keyof typeof migrations, 'vectors'>;

/** Whole databases that are encrypted with `<name>.key`, because they contain secrets. The audit log stays readable for `verify-audit`. */
const encryptedStores: readonly StoreName[] = ['accounts', 'webhooks'];

export interface StoreDatabase {
  readonly database: Database;
  /** Closes the database and releases the lock. */
  readonly close: () => void;
}

/**
 * Locks the store for this process, opens or creates its database, and migrates it to the newest schema. Closes it if `use` throws.
 * Errors: AppError STORE_UNAVAILABLE.
 */
export async function openStoreDatabase<Store>(
  { dataDir, clock }: StoreOptions,
  name: StoreName,
  use: (opened: StoreDatabase) => Store,
): Promise<Store> {
  openDataFolder(dataDir);
  const unlock = lockStore(join(dataDir, `${name}.lock`));
  let database: Database | undefined;
  const close = () => {
    database?.close();
    unlock();
  };
  try {
    database = await openFile(dataDir, name);
    migrate(database, migrations[name] as readonly Migration[], clock.now());
    return use({ database, close });
  } catch (error) {
    close();
    throw error;
  }
}

async function openFile(dataDir: string, name: StoreName): Promise<Database> {
  const path = join(dataDir, `${name}.db`);
  if (!encryptedStores.includes(name)) return openDatabase(path);
  const { secret } = await openKeyFile(join(dataDir, `${name}.key`), async () => existsSync(path));
  return openDatabase(path, { encryptionKey: secret.toString('hex') });
}

/** Page tokens of a store. Their key is stored in the database, so that tokens stay valid after a restart. */
export function pageTokensOf(database: Database): PageTokens {
  database.run('INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING', [
    'page-token-key',
    randomBytes(32),
  ]);
  const row = database.get<{ value: ArrayBuffer }>('SELECT value FROM settings WHERE name = ?', ['page-token-key']);
  return createPageTokens(Buffer.from(row!.value));
}
