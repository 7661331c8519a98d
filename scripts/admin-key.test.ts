import { existsSync, readFileSync, statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openAccounts } from '../shared/adapters/embedded/accounts.ts';
import { createContext } from '../shared/function/context.ts';
import { parseApiKey } from '../shared/identity/api-keys.ts';
import { systemClock } from '../shared/ports/clock.ts';
import { adminKeyPath, firstStart } from '../shared/runtime/first-start.ts';
import { testConfig } from '../shared/testing/platform.ts';
import { temporaryFolder } from '../shared/testing/temporary-folder.ts';
import { main } from './admin-key.ts';

it('When a key is created twice, then only the second key is valid, and the file contains it', async () => {
  const dataDir = temporaryFolder();

  const first = await run(dataDir, '--print');
  const second = await run(dataDir);

  const path = adminKeyPath(dataDir);
  const key = readFileSync(path, 'utf8').trim();
  expect([first.code, second.code]).toEqual([0, 0]);
  expect(second.text).toContain(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await inForce(dataDir, first.text.trim(), key)).toEqual([false, true]);
});

it('When a process on shared engines starts without the file, then it creates a key only when there is none', async () => {
  const [here, elsewhere] = [temporaryFolder(), temporaryFolder()];
  const accounts = await openAccounts({ dataDir: here, clock: systemClock });
  const start = (dataDir: string) =>
    firstStart(accounts, createContext({ ...testConfig(dataDir), mode: 'distributed' }));

  const made = await start(here);
  const madeElsewhere = await start(elsewhere);
  await accounts.close();

  expect([made, madeElsewhere]).toEqual([true, false]);
  expect(existsSync(adminKeyPath(elsewhere))).toBe(false);
  expect(await inForce(here, readFileSync(adminKeyPath(here), 'utf8').trim())).toEqual([true]);
});

it('When an option is unknown, then the error names it and no key is created', async () => {
  const dataDir = temporaryFolder();

  const { code, text } = await run(dataDir, '--prnt');

  expect(code).toBe(2);
  expect(text).toContain('--prnt');
  expect(existsSync(adminKeyPath(dataDir))).toBe(false);
});

async function run(dataDir: string, ...args: string[]): Promise<{ code: number; text: string }> {
  let text = '';
  const write = (chunk: string | Uint8Array) => {
    text += String(chunk);
    return true;
  };
  const code = await main(args, { FREEFACE_DATA: dataDir }, { stdout: { write }, stderr: { write } });
  return { code, text };
}

/** For each key, whether it is stored and not revoked. */
async function inForce(dataDir: string, ...keys: string[]): Promise<boolean[]> {
  const accounts = await openAccounts({ dataDir, clock: systemClock });
  const stored = await Promise.all(
    keys.map((key) => accounts.getApiKey(parseApiKey(key)!.tenant, parseApiKey(key)!.keyId)),
  );
  await accounts.close();
  return stored.map((each) => each !== null && each.revokedAt === null);
}
