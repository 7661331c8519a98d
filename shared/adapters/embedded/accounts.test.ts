import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { accountsContract } from '../../ports/accounts.contract.ts';
import { newApiKeyRecord, newSigningKey, newTenantRecord, newUser } from '../../testing/account-factories.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openAccounts } from './accounts.ts';

accountsContract({
  name: 'embedded accounts',
  open: async (clock) => {
    const dataDir = temporaryFolder();
    let accounts = await openAccounts({ dataDir, clock });
    onTestFinished(() => accounts.close());
    return {
      accounts,
      reopen: async () => {
        await accounts.close();
        accounts = await openAccounts({ dataDir, clock });
        return accounts;
      },
    };
  },
});

const clock = fakeClock();

async function setUp() {
  const dataDir = temporaryFolder();
  const accounts = await openAccounts({ dataDir, clock });
  onTestFinished(() => accounts.close());
  const { tenant } = await accounts.createTenant(newTenantRecord());
  return { dataDir, accounts, tenant };
}

it('When accounts are stored, then no value is readable on the disk, and only the owner can read the files', async () => {
  const { dataDir, accounts, tenant } = await setUp();
  const user = newUser({ username: 'ada.lovelace', passwordHash: '$scrypt$a-hash-that-stands-out' });
  const apiKey = newApiKeyRecord();
  await accounts.createUser(tenant, user);
  await accounts.createApiKey(tenant, apiKey);
  await accounts.addSigningKey(newSigningKey(), { unlessNewerThan: 0 });

  const files = readdirSync(dataDir).filter((name) => name.startsWith('accounts'));

  expect(files).toEqual(expect.arrayContaining(['accounts.db', 'accounts.db-wal', 'accounts.key']));
  for (const name of files) {
    const bytes = readFileSync(join(dataDir, name));
    for (const text of [user.username, user.passwordHash, apiKey.secretDigest, '"d":"secret"', 'CREATE TABLE']) {
      expect(bytes.includes(text), `${name} contains ${text}`).toBe(false);
    }
    expect(statSync(join(dataDir, name)).mode & 0o777, name).toBe(0o600);
  }
});

it('When the key file is missing or contains another key, then opening fails and names the file', async () => {
  const { dataDir, accounts } = await setUp();
  await accounts.close();
  const keyFile = join(dataDir, 'accounts.key');

  rmSync(keyFile);
  await expect(openAccounts({ dataDir, clock })).rejects.toThrow(/accounts\.key is missing.*backup/);
  writeFileSync(keyFile, '0'.repeat(64), { mode: 0o600 });
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(openAccounts({ dataDir, clock })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/accounts\.db cannot be opened.*key/),
    });
  }
});

it('When the data folder is in use, then a second opening fails; when the store is closed, then calls are refused', async () => {
  const { dataDir, accounts, tenant } = await setUp();

  await expect(openAccounts({ dataDir, clock })).rejects.toThrow('Another process uses this data folder');

  await accounts.close();
  await expect(accounts.getTenant(tenant)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await expect(accounts.createUser(tenant, newUser())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
});
