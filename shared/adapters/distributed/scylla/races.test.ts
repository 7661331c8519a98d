import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { auditLine, createChainVerifier } from '../../../domain/audit-chain.ts';
import { newAuditEntry } from '../../../ports/audit.contract.ts';
import { newSession, newSigningKey, newTenantRecord, newUser } from '../../../testing/account-factories.ts';
import { describeEngine } from '../../../testing/engine.ts';
import { fakeClock } from '../../../testing/fake-clock.ts';
import { newPerson, newTenant } from '../../../testing/record-factories.ts';
import { testKeyspace } from '../../../testing/scylla-keyspace.ts';
import { newMessage, newWebhook } from '../../../testing/webhook-factories.ts';
import { openAccounts } from '../accounts.ts';
import { openAudit } from '../audit.ts';
import { recordsOn } from '../records.ts';
import { claimsOfPersons } from '../records-persons.ts';
import { openWebhooks } from '../webhooks.ts';
import { abandonedMs } from './claims.ts';
import { openScyllaStore, type ScyllaStoreOptions } from './store.ts';

/** Processes in addition to the first. */
const others = 4;
const [quietMs, leaseMs, most] = [30_000, 45_000, 50];

/** Each process has its own connection, so the order of writes that one process would keep does not exist. */
describeEngine('scylla', 'several processes', (settings) => {
  const scylla = testKeyspace(settings);

  const several = async <Port extends { close(): Promise<void> }>(
    open: (options: ScyllaStoreOptions) => Promise<Port>,
  ): Promise<[Port, ...Port[]]> => {
    const clock = fakeClock();
    const openOne = () => open({ engines: { scylla }, clock });
    const ports: [Port, ...Port[]] = [await openOne(), ...(await Promise.all(Array.from({ length: others }, openOne)))];
    onTestFinished(async () => void (await Promise.all(ports.map((port) => port.close()))));
    return ports;
  };
  const succeeded = (outcomes: readonly PromiseSettledResult<unknown>[]): number =>
    outcomes.filter(({ status }) => status === 'fulfilled').length;

  describe('with accounts', () => {
    it('When they create the same tenant, user and signing key at the same time, then each is created once', async () => {
      const all = await several(openAccounts);
      const tenant = newTenant();

      const tenants = await Promise.allSettled(all.map((each) => each.createTenant(newTenantRecord({ tenant }))));
      const username = `ada-${randomUUID()}`;
      const users = await Promise.allSettled(all.map((each) => each.createUser(tenant, newUser({ username }))));
      const before = await all[0].signingKeys();
      const keys = await Promise.all(all.map((each) => each.addSigningKey(newSigningKey(), { unlessNewerThan: 0 })));

      expect([succeeded(tenants), succeeded(users), keys.filter(Boolean).length]).toEqual([1, 1, 1]);
      expect((await all[0].listUsers(tenant, { limit: 10 })).items).toHaveLength(1);
      expect(await all[0].signingKeys()).toHaveLength(before.length + 1);
    });

    it('When all of them use a refresh token at the same time, then one gets a new token, and the session ends', async () => {
      const all = await several(openAccounts);
      const tenant = newTenant();
      await all[0].createTenant(newTenantRecord({ tenant }));
      const { userId } = await all[0].createUser(tenant, newUser());
      const session = newSession({ userId, expiresAt: Date.UTC(2100, 0, 1) });
      const { sessionId, expiresAt, refreshDigest: from } = session;
      await all[0].createSession(tenant, session);

      const outcomes = await Promise.all(
        all.map((each, index) => each.rotateSession(tenant, sessionId, { from, to: `two${index}`, expiresAt })),
      );

      expect(outcomes.filter((outcome) => outcome === 'rotated')).toHaveLength(1);
      expect(outcomes).toContain('reused');
      expect(await all[0].getSession(tenant, sessionId)).toBeNull();
    });
  });

  it('When an external id is claimed for a person that is never created, then it is BUSY, and free once the claim is abandoned', async () => {
    const clock = fakeClock();
    const store = openScyllaStore('records', { engines: { scylla }, clock });
    onTestFinished(() => store.close());
    const records = recordsOn(store);
    const [tenant, externalId] = [newTenant(), randomUUID()];
    await claimsOfPersons(store).claim(tenant, externalId, randomUUID(), async () => false);

    const early = records.createPerson(tenant, newPerson({ externalId }));
    await expect(early).rejects.toMatchObject({ code: 'BUSY' });
    await clock.advance(abandonedMs);
    const made = await records.createPerson(tenant, newPerson({ externalId }));

    expect(made.externalId).toBe(externalId);
    const another = records.createPerson(tenant, newPerson({ externalId }));
    await expect(another).rejects.toMatchObject({ code: 'EXTERNAL_ID_TAKEN' });
  });

  it('When all of them append to one tenant’s log, then every chain is valid and all entries are listed', async () => {
    const all = await several(openAudit);
    const tenant = newTenant();

    await Promise.all(
      all.flatMap((each) => Array.from({ length: 30 }, () => each.append(tenant, newAuditEntry({ actor: 'user:a' })))),
    );

    const verifier = createChainVerifier();
    const chains = new Set<string>();
    for await (const entry of all[0].chains(tenant)) {
      expect(verifier.add(auditLine(tenant, entry))).toBeNull();
      chains.add(entry.chain);
    }
    const { items } = await all[0].list(tenant, { actor: 'user:a' }, { limit: 1000 });
    expect([chains.size, items.length]).toEqual([others + 1, (others + 1) * 30]);
  });

  describe('with webhooks', () => {
    it('When they add the same message, then it is stored once, one worker is called, and one gets the turn', async () => {
      const all = await several(openWebhooks);
      const tenant = newTenant();
      const { webhookId } = await all[0].createWebhook(tenant, newWebhook(), { most });
      const message = newMessage({ webhookId });
      const queue = { tenant, queue: webhookId };

      const called = await Promise.all(all.map((each) => each.addMessages(tenant, [message], { quietMs })));
      const begun = await Promise.all(
        all.map((each, index) => each.beginTurn(queue, `turn ${index}`, { leaseMs, mostOfTenant: 40 })),
      );

      expect(called.flat()).toEqual([webhookId]);
      expect(begun.filter(Boolean)).toHaveLength(1);
      expect((await all[0].listMessages(tenant, webhookId, { limit: 10 })).items).toHaveLength(1);
    });

    it('When a tenant has limits for turns and webhooks, then all of them together stay within the limits', async () => {
      const all = await several(openWebhooks);
      const tenant = newTenant();

      const made = await Promise.allSettled(all.map((each) => each.createWebhook(tenant, newWebhook(), { most: 4 })));
      const { items } = await all[0].listWebhooks(tenant, { limit: 10 });
      await all[0].addMessages(
        tenant,
        items.map(({ webhookId }) => newMessage({ webhookId })),
        { quietMs },
      );
      const begun = await Promise.all(
        items.map(({ webhookId }, index) =>
          all[index]!.beginTurn({ tenant, queue: webhookId }, 'a', { leaseMs, mostOfTenant: 2 }),
        ),
      );

      expect([succeeded(made), items.length]).toEqual([4, 4]);
      expect(begun.filter(Boolean).length).toBeLessThanOrEqual(2);
    });
  });
});
