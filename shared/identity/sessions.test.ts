import { describe, expect, it, onTestFinished } from 'vitest';
import { openAccounts } from '../adapters/embedded/accounts.ts';
import { openCache } from '../adapters/embedded/cache.ts';
import type { Accounts, UserChanges } from '../ports/accounts.ts';
import { newTenantRecord, newUser } from '../testing/account-factories.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { hashPassword } from './passwords.ts';
import { logIn } from './sessions.ts';
import { rotateSigningKey } from './tokens.ts';

const password = 'three purple umbrellas';

async function setUp() {
  const clock = fakeClock();
  const accounts = await openAccounts({ dataDir: temporaryFolder(), clock });
  const cache = await openCache({ dataDir: temporaryFolder(), clock });
  onTestFinished(() => accounts.close());
  await rotateSigningKey({ accounts, clock }, 0);
  const { tenant } = await accounts.createTenant(newTenantRecord());
  const { userId, username } = await accounts.createUser(
    tenant,
    newUser({ passwordHash: await hashPassword(password) }),
  );
  const sessionId = '00000000-0000-7000-8000-000000000001';
  const logInWith = (store: Accounts) =>
    logIn(
      { tenant, username, password },
      { accounts: store, cache, clock, signal: new AbortController().signal, newId: () => sessionId },
    );
  return { accounts, tenant, userId, sessionId, logInWith };
}

describe('a login during which the user changes', () => {
  it.each<[string, UserChanges | null]>([
    ['the password is changed', { passwordHash: '$scrypt$ln=15,r=8,p=3$AAAA$AAAA' }],
    ['the user is disabled', { disabled: true }],
    ['the user is deleted', null],
  ])('When %s after the password check, then no session remains', async (_, changes) => {
    const { accounts, tenant, userId, sessionId, logInWith } = await setUp();
    const interrupted: Accounts = {
      ...accounts,
      async createSession(...session) {
        if (changes === null) await accounts.deleteUser(tenant, userId);
        else await accounts.updateUser(tenant, userId, changes);
        await accounts.createSession(...session);
      },
    };

    await expect(logInWith(interrupted)).rejects.toMatchObject({ code: 'LOGIN_FAILED' });

    expect(await accounts.getSession(tenant, sessionId)).toBeNull();
  });

  it('When nothing changes, then the session exists', async () => {
    const { accounts, tenant, sessionId, logInWith } = await setUp();

    await logInWith(accounts);

    expect(await accounts.getSession(tenant, sessionId)).not.toBeNull();
  });
});
