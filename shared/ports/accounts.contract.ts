import { describe, expect, it } from 'vitest';
import {
  digestOf,
  newApiKeyRecord,
  newSession,
  newSigningKey,
  newTenantRecord,
  newUser,
} from '../testing/account-factories.ts';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { newTenant } from '../testing/record-factories.ts';
import type { Accounts } from './accounts.ts';
import type { Page, PageOptions } from './pages.ts';
import type { Tenant } from './tenant.ts';

export interface AccountsSubject {
  readonly accounts: Accounts;
  /** Closes the store and opens the same data again. */
  reopen(): Promise<Accounts>;
}

const hour = 60 * 60 * 1000;

/** Every promise of `Accounts`. `open` returns a store and closes it when the test ends; it may contain data of other tenants. */
export function accountsContract({
  name,
  open,
}: {
  name: string;
  open: (clock: FakeClock) => Promise<AccountsSubject>;
}) {
  const setUp = async () => {
    const clock = fakeClock();
    const subject = await open(clock);
    const { tenant } = await subject.accounts.createTenant(newTenantRecord());
    return { clock, tenant, ...subject };
  };
  const setUpUser = async () => {
    const subject = await setUp();
    const user = await subject.accounts.createUser(subject.tenant, newUser());
    const { sessionId, ...session } = newSession({ userId: user.userId, expiresAt: subject.clock.now() + hour });
    await subject.accounts.createSession(subject.tenant, { sessionId, ...session });
    return { ...subject, user, userId: user.userId, sessionId };
  };

  describe(`${name}: tenants`, () => {
    it('When a tenant is created, then it can be read with all fields, and a second one with its name is refused', async () => {
      const { accounts, clock } = await setUp();
      const wanted = newTenantRecord();

      const created = await accounts.createTenant(wanted);
      const again = accounts.createTenant({ ...wanted, name: 'other' });

      await expect(again).rejects.toMatchObject({ code: 'TENANT_EXISTS' });
      expect(created).toEqual({ ...wanted, createdAt: clock.now(), updatedAt: clock.now(), version: 1 });
      expect(await accounts.getTenant(wanted.tenant)).toEqual(created);
      expect(await accounts.getTenant(newTenant())).toBeNull();
    });

    it('When several calls create one tenant with a first key at once, then exactly one of them creates both', async () => {
      const { accounts } = await setUp();
      const wanted = newTenantRecord();
      const firstKeys = [newApiKeyRecord(), newApiKeyRecord(), newApiKeyRecord()];

      const outcomes = await Promise.allSettled(
        firstKeys.map((firstKey) => accounts.createTenant(wanted, { firstKey })),
      );

      const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
      const { items } = await accounts.listApiKeys(wanted.tenant, { limit: 10 });
      expect(items.map(({ keyId }) => keyId)).toEqual([firstKeys[winner]?.keyId]);
    });

    it('When a tenant is changed, then only the given fields change and the version grows by 1', async () => {
      const { accounts, tenant, clock } = await setUp();
      const before = await accounts.getTenant(tenant);
      await clock.advance(1000);
      const quota = { persons: null, faces: 7, bytes: null };

      const changed = await accounts.updateTenant(tenant, { quota, consentRequired: false, name: undefined as never });

      expect(changed).toEqual({ ...before, quota, consentRequired: false, version: 2, updatedAt: clock.now() });
      expect(await accounts.getTenant(tenant)).toEqual(changed);
      expect(await accounts.updateTenant(tenant, { quota })).toEqual(changed);
    });

    it('When a change names another version or an unknown tenant, then it is refused', async () => {
      const { accounts, tenant } = await setUp();

      const late = accounts.updateTenant(tenant, { name: 'x' }, { version: 2 });
      const missing = accounts.updateTenant(newTenant(), { name: 'x' });

      await Promise.all([
        expect(late).rejects.toMatchObject({ code: 'VERSION_CONFLICT' }),
        expect(missing).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' }),
      ]);
    });

    it('When tenants are listed, then each is returned once, oldest first', async () => {
      const { accounts } = await setUp();
      const wanted: Tenant[] = [];
      for (let i = 0; i < 5; i++) wanted.push((await accounts.createTenant(newTenantRecord())).tenant);

      const listed = (await allPages((options) => accounts.listTenants(options), 2)).map(({ tenant }) => tenant);

      expect(listed.filter((each) => wanted.includes(each))).toEqual(wanted);
      expect(new Set(listed).size).toBe(listed.length);
    });
  });

  describe(`${name}: users`, () => {
    it('When a user is created, then it can be read by id and by name in any case, only in its tenant', async () => {
      const { accounts, tenant, clock } = await setUp();
      const other = (await accounts.createTenant(newTenantRecord())).tenant;
      const wanted = newUser({ username: 'Ada.L', disabled: true });

      const created = await accounts.createUser(tenant, wanted);

      const times = { createdAt: clock.now(), updatedAt: clock.now() };
      expect(created).toEqual({ ...wanted, username: 'ada.l', ...times, version: 1 });
      expect(await accounts.getUser(tenant, wanted.userId)).toEqual(created);
      expect(await accounts.getUserByName(tenant, 'ADA.l')).toEqual(created);
      expect(await accounts.getUser(other, wanted.userId)).toBeNull();
      expect(await accounts.getUserByName(other, 'ada.l')).toBeNull();
      expect((await accounts.createUser(other, newUser({ username: 'ada.l' }))).version).toBe(1);
    });

    it('When several calls create users with one name at once, then exactly one succeeds', async () => {
      const { accounts, tenant } = await setUp();
      const create = (username: string) => accounts.createUser(tenant, newUser({ username }));

      const outcomes = await Promise.allSettled(['ada', 'ADA', 'Ada', 'ada'].map(create));

      const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(lost.map(({ reason }) => reason.code)).toEqual(['USER_EXISTS', 'USER_EXISTS', 'USER_EXISTS']);
      expect((await accounts.listUsers(tenant, { limit: 10 })).items).toHaveLength(1);
    });

    it('When the tenant does not exist, then no user and no key can be created in it', async () => {
      const { accounts } = await setUp();
      const nowhere = newTenant();

      const user = accounts.createUser(nowhere, newUser());
      const key = accounts.createApiKey(nowhere, newApiKeyRecord());

      await Promise.all([
        expect(user).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' }),
        expect(key).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' }),
      ]);
    });

    it('When a user is changed, then only the given fields change, and a wrong version or id is refused', async () => {
      const { accounts, tenant, user, userId, clock } = await setUpUser();
      await clock.advance(1000);

      const changed = await accounts.updateUser(tenant, userId, { name: 'Ada King' }, { version: 1 });

      expect(changed).toEqual({ ...user, name: 'Ada King', version: 2, updatedAt: clock.now() });
      expect(await accounts.updateUser(tenant, userId, { name: 'Ada King' })).toEqual(changed);
      await expect(accounts.updateUser(tenant, userId, { name: 'x' }, { version: 1 })).rejects.toMatchObject({
        code: 'VERSION_CONFLICT',
      });
      await expect(accounts.updateUser(tenant, 'nobody', { name: 'x' })).rejects.toMatchObject({
        code: 'USER_NOT_FOUND',
      });
      expect(await accounts.getUser(tenant, userId)).toEqual(changed);
    });

    it('When a user is deleted, then the sessions are deleted too, and the name is free again', async () => {
      const { accounts, tenant, user, userId, sessionId } = await setUpUser();

      expect(await accounts.deleteUser(newTenant(), userId)).toBe(false);
      expect(await accounts.deleteUser(tenant, userId)).toBe(true);
      expect(await accounts.deleteUser(tenant, userId)).toBe(false);

      expect(await accounts.getSession(tenant, sessionId)).toBeNull();
      const again = await accounts.createUser(tenant, newUser({ username: user.username }));
      expect(again.username).toBe(user.username);
    });

    it('When users are deleted between two pages, then each remaining user is returned once, oldest first', async () => {
      const { accounts, tenant } = await setUp();
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) ids.push((await accounts.createUser(tenant, newUser())).userId);

      const first = await accounts.listUsers(tenant, { limit: 3 });
      await accounts.deleteUser(tenant, ids[2]!);
      await accounts.deleteUser(tenant, ids[4]!);
      const rest = await allPages((options) => accounts.listUsers(tenant, options), 3, first.next);

      expect(first.items.map(({ userId }) => userId)).toEqual(ids.slice(0, 3));
      expect(rest.map(({ userId }) => userId)).toEqual([ids[3], ids[5], ids[6]]);
    });

    it('When a page token is invented or belongs to another listing, then it is refused', async () => {
      const { accounts, tenant } = await setUp();
      const other = (await accounts.createTenant(newTenantRecord())).tenant;
      for (let i = 0; i < 2; i++) await accounts.createUser(tenant, newUser());
      const { next } = await accounts.listUsers(tenant, { limit: 1 });

      const tries = [
        accounts.listUsers(other, { limit: 1, after: next! }),
        accounts.listApiKeys(tenant, { limit: 1, after: next! }),
        accounts.listTenants({ limit: 1, after: next! }),
        accounts.listUsers(tenant, { limit: 1, after: 'x' }),
      ];

      await Promise.all(tries.map((tried) => expect(tried).rejects.toMatchObject({ code: 'PAGE_TOKEN_INVALID' })));
    });
  });

  describe(`${name}: service keys`, () => {
    it('When a key is created, then it can be read with all fields, only in its tenant', async () => {
      const { accounts, tenant, clock } = await setUp();
      const wanted = newApiKeyRecord({ expiresAt: clock.now() + hour, createdBy: null });

      const created = await accounts.createApiKey(tenant, wanted);

      expect(created).toEqual({ ...wanted, createdAt: clock.now(), revokedAt: null });
      expect(await accounts.getApiKey(tenant, wanted.keyId)).toEqual(created);
      expect(await accounts.getApiKey(newTenant(), wanted.keyId)).toBeNull();
      await clock.advance(2 * hour);
      expect(await accounts.getApiKey(tenant, wanted.keyId)).toEqual(created);
    });

    it('When a key or a user ends with another key, then this is stored, also for the first key of a tenant, and a user can lose it', async () => {
      const { accounts, tenant } = await setUp();
      const record = newTenantRecord();
      const { endsWith: _, ...firstKey } = newApiKeyRecord();
      await accounts.createTenant(record, { firstKey });
      const { userId } = await accounts.createUser(tenant, newUser({ endsWith: 'parent' }));
      const { keyId } = await accounts.createApiKey(tenant, newApiKeyRecord({ endsWith: 'parent' }));

      expect((await accounts.getApiKey(tenant, keyId))!.endsWith).toBe('parent');
      expect((await accounts.getApiKey(record.tenant, firstKey.keyId))!.endsWith).toBeNull();
      expect((await accounts.getUser(tenant, userId))!.endsWith).toBe('parent');
      expect((await accounts.updateUser(tenant, userId, { name: 'x' })).endsWith).toBe('parent');
      expect((await accounts.updateUser(tenant, userId, { endsWith: null })).endsWith).toBeNull();
      expect((await accounts.getUser(tenant, userId))!.endsWith).toBeNull();
    });

    it('When a key is revoked twice, then it keeps the time of the first revocation', async () => {
      const { accounts, tenant, clock } = await setUp();
      const key = await accounts.createApiKey(tenant, newApiKeyRecord());

      const revoked = await accounts.revokeApiKey(tenant, key.keyId);
      await clock.advance(1000);
      const again = await accounts.revokeApiKey(tenant, key.keyId);

      expect(revoked).toEqual({ ...key, revokedAt: clock.now() - 1000 });
      expect(again).toEqual(revoked);
      expect(await accounts.getApiKey(tenant, key.keyId)).toEqual(revoked);
      expect(await accounts.revokeApiKey(newTenant(), key.keyId)).toBeNull();
      expect((await accounts.listApiKeys(tenant, { limit: 5 })).items).toEqual([revoked]);
    });

    it('When keys are listed, then they are returned in pages, oldest first', async () => {
      const { accounts, tenant } = await setUp();
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) ids.push((await accounts.createApiKey(tenant, newApiKeyRecord())).keyId);

      const listed = await allPages((options) => accounts.listApiKeys(tenant, options), 2);

      expect(listed.map(({ keyId }) => keyId)).toEqual(ids);
    });
  });

  describe(`${name}: sessions`, () => {
    it('When a session is open, then it is returned with its user until it expires', async () => {
      const { accounts, tenant, user, userId, sessionId, clock } = await setUpUser();

      const found = await accounts.getSession(tenant, sessionId);

      const refreshDigest = digestOf('first');
      const expiresAt = clock.now() + hour;
      expect(found).toEqual({ session: { sessionId, userId, refreshDigest, createdAt: clock.now(), expiresAt }, user });
      expect(await accounts.getSession(newTenant(), sessionId)).toBeNull();
      await clock.advance(hour - 1);
      expect(await accounts.getSession(tenant, sessionId)).toEqual(found);
      await clock.advance(1);
      expect(await accounts.getSession(tenant, sessionId)).toBeNull();
      expect(await accounts.endSession(tenant, sessionId)).toBe(false);
    });

    it('When the user does not exist, then no session can be created', async () => {
      const { accounts, tenant, clock } = await setUp();

      const creating = accounts.createSession(tenant, newSession({ userId: 'nobody', expiresAt: clock.now() + hour }));

      await expect(creating).rejects.toMatchObject({ code: 'USER_NOT_FOUND' });
    });

    it('When a refresh token is used, then only the next one is valid, and a second use of the old one ends the session', async () => {
      const { accounts, tenant, sessionId, clock } = await setUpUser();
      const expiresAt = clock.now() + 5 * hour;
      const rotate = (from: string, to: string) =>
        accounts.rotateSession(tenant, sessionId, { from: digestOf(from), to: digestOf(to), expiresAt });

      expect(await rotate('first', 'second')).toBe('rotated');
      const { session } = (await accounts.getSession(tenant, sessionId))!;
      expect(session).toMatchObject({ refreshDigest: digestOf('second'), expiresAt });
      expect(await rotate('second', 'third')).toBe('rotated');
      expect(await rotate('second', 'fourth')).toBe('reused');

      expect(await accounts.getSession(tenant, sessionId)).toBeNull();
      expect(await rotate('third', 'fourth')).toBe('gone');
    });

    it('When several clients use one refresh token at once, then exactly one is rotated, and the session ends', async () => {
      const { accounts, tenant, sessionId, clock } = await setUpUser();
      const rotate = (to: string) =>
        accounts.rotateSession(tenant, sessionId, {
          from: digestOf('first'),
          to: digestOf(to),
          expiresAt: clock.now() + hour,
        });

      const outcomes = await Promise.all(['a', 'b', 'c', 'd'].map(rotate));

      expect(outcomes.toSorted()).toEqual(['gone', 'gone', 'reused', 'rotated']);
      expect(await accounts.getSession(tenant, sessionId)).toBeNull();
    });

    it('When a session has expired, then its refresh token is not valid', async () => {
      const { accounts, tenant, sessionId, clock } = await setUpUser();
      await clock.advance(hour);

      const outcome = await accounts.rotateSession(tenant, sessionId, {
        from: digestOf('first'),
        to: digestOf('second'),
        expiresAt: clock.now() + hour,
      });

      expect(outcome).toBe('gone');
      expect(await accounts.getSession(tenant, sessionId)).toBeNull();
    });

    it('When a session is ended, then it cannot be read any more, and other sessions stay', async () => {
      const { accounts, tenant, userId, sessionId, clock } = await setUpUser();
      const other = newSession({ userId, expiresAt: clock.now() + hour });
      await accounts.createSession(tenant, other);

      expect(await accounts.endSession(newTenant(), sessionId)).toBe(false);
      expect(await accounts.endSession(tenant, sessionId)).toBe(true);
      expect(await accounts.endSession(tenant, sessionId)).toBe(false);

      expect(await accounts.getSession(tenant, sessionId)).toBeNull();
      expect(await accounts.getSession(tenant, other.sessionId)).not.toBeNull();
    });

    it.each([
      ['the password', { passwordHash: '$scrypt$two' }],
      ['the role', { role: 'viewer' as const }],
      ['the `disabled` flag', { disabled: true }],
    ])('When %s changes, then all sessions of the user end except the kept one', async (_, changes) => {
      const { accounts, tenant, userId, sessionId, clock } = await setUpUser();
      const bystander = await accounts.createUser(tenant, newUser());
      const kept = newSession({ userId, expiresAt: clock.now() + hour });
      const others = newSession({ userId: bystander.userId, expiresAt: clock.now() + hour });
      for (const session of [kept, others]) await accounts.createSession(tenant, session);

      await accounts.updateUser(tenant, userId, changes, { keepSession: kept.sessionId });

      expect(await accounts.getSession(tenant, sessionId)).toBeNull();
      expect((await accounts.getSession(tenant, kept.sessionId))?.user).toMatchObject(changes);
      expect(await accounts.getSession(tenant, others.sessionId)).not.toBeNull();
      await accounts.updateUser(tenant, userId, { passwordHash: '$scrypt$three' });
      expect(await accounts.getSession(tenant, kept.sessionId)).toBeNull();
    });

    it('When only the name changes, then the sessions stay', async () => {
      const { accounts, tenant, userId, user, sessionId } = await setUpUser();

      await accounts.updateUser(tenant, userId, { name: 'Ada King', role: user.role, disabled: false });

      expect((await accounts.getSession(tenant, sessionId))?.user.name).toBe('Ada King');
    });
  });

  describe(`${name}: signing keys`, () => {
    it('When several processes rotate keys at once, then exactly one key is added, and the newest is listed first', async () => {
      const { accounts, clock } = await setUp();
      // Signing keys do not belong to a tenant. So the keys of other tests must be older than the time of this test.
      const start = Math.max(clock.now(), ...(await accounts.signingKeys()).map(({ createdAt }) => createdAt + 1));
      await clock.advance(start - clock.now());
      const unlessNewerThan = clock.now() - 1;
      const candidates = [newSigningKey(), newSigningKey(), newSigningKey()];

      const added = await Promise.all(candidates.map((key) => accounts.addSigningKey(key, { unlessNewerThan })));

      expect(added.filter(Boolean)).toHaveLength(1);
      const [newest] = await accounts.signingKeys();
      expect(newest).toEqual({ ...candidates[added.indexOf(true)], createdAt: clock.now() });
      await clock.advance(1000);
      const next = newSigningKey();
      expect(await accounts.addSigningKey(next, { unlessNewerThan: newest!.createdAt })).toBe(true);
      expect((await accounts.signingKeys()).slice(0, 2).map(({ keyId }) => keyId)).toEqual([next.keyId, newest!.keyId]);
    });
  });

  describe(`${name}: durability`, () => {
    it('When the store is reopened, then all rows are there, and page tokens are still valid', async () => {
      const { accounts, tenant, user, userId, sessionId, reopen } = await setUpUser();
      await accounts.createUser(tenant, newUser());
      const key = await accounts.createApiKey(tenant, newApiKeyRecord());
      const before = await accounts.getSession(tenant, sessionId);
      const { next } = await accounts.listUsers(tenant, { limit: 1 });

      const again = await reopen();

      expect(await again.getUser(tenant, userId)).toEqual(user);
      expect(await again.getApiKey(tenant, key.keyId)).toEqual(key);
      expect(await again.getSession(tenant, sessionId)).toEqual(before);
      expect((await again.listUsers(tenant, { limit: 1, after: next! })).items).toHaveLength(1);
    });

    it('When the signal is already aborted, then the call rejects with its reason and changes nothing', async () => {
      const { accounts, tenant, userId } = await setUpUser();
      const signal = AbortSignal.abort(new Error('gone'));

      await expect(accounts.deleteUser(tenant, userId, { signal })).rejects.toThrow('gone');
      await expect(accounts.getUser(tenant, userId, { signal })).rejects.toThrow('gone');

      expect(await accounts.getUser(tenant, userId)).not.toBeNull();
    });
  });
}

async function allPages<Item>(
  list: (options: PageOptions) => Promise<Page<Item>>,
  limit: number,
  from: string | null = null,
): Promise<Item[]> {
  const items: Item[] = [];
  let after = from ?? undefined;
  for (;;) {
    const page = await list({ limit, after });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    if (page.next === null) return items;
    after = page.next;
  }
}
