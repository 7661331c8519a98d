import { expect, it, onTestFinished } from 'vitest';
import { auditLine, createChainVerifier } from '../../domain/audit-chain.ts';
import { auditContract, newAuditEntry } from '../../ports/audit.contract.ts';
import type { AuditEntry } from '../../ports/audit.ts';
import { dyingScylla } from '../../testing/dying-scylla.ts';
import { describeEngine } from '../../testing/engine.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { newTenant } from '../../testing/record-factories.ts';
import { testKeyspace } from '../../testing/scylla-keyspace.ts';
import { auditOn, openAudit } from './audit.ts';
import { openScylla } from './scylla/client.ts';
import { openScyllaStore } from './scylla/store.ts';

describeEngine('scylla', 'distributed audit log', (settings) => {
  const scylla = testKeyspace(settings);

  auditContract({
    name: 'contract',
    open: async (clock) => {
      let audit = await openAudit({ engines: { scylla }, clock });
      onTestFinished(() => audit.close());
      return {
        audit,
        reopen: async () => {
          await audit.close();
          audit = await openAudit({ engines: { scylla }, clock });
          return audit;
        },
      };
    },
  });

  it('When processes die while they append, then every acknowledged entry is stored and listed, and every chain is valid', async () => {
    const options = { engines: { scylla }, clock: fakeClock() };
    const connection = openScylla(scylla);
    const audit = await openAudit(options);
    onTestFinished(async () => {
      await audit.close();
      await connection.close();
    });
    const tenant = newTenant();
    const acknowledged: string[] = [];

    for (let last = 1; last <= 10; last++) {
      const dead = auditOn(openScyllaStore('audit', options, dyingScylla(connection, last).scylla));
      const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => dead.append(tenant, newAuditEntry())));
      for (const each of outcomes) if (each.status === 'fulfilled') acknowledged.push(each.value.hash);
    }

    const entries: AuditEntry[] = [];
    for await (const entry of audit.chains(tenant)) entries.push(entry);
    const { items } = await audit.list(tenant, { actor: 'key:one' }, { limit: 1000 });
    const verifier = createChainVerifier();
    expect(acknowledged.length).toBeGreaterThan(100);
    expect(entries.map(({ hash }) => hash)).toEqual(expect.arrayContaining(acknowledged));
    expect(items.map(({ hash }) => hash).sort()).toEqual(entries.map(({ hash }) => hash).sort());
    expect(entries.map((entry) => verifier.add(auditLine(tenant, entry))).filter((broken) => broken !== null)).toEqual(
      [],
    );
  });

  it('When a block is full, then the chain continues in the next block', async () => {
    const audit = await openAudit({ engines: { scylla }, clock: fakeClock() });
    onTestFinished(() => audit.close());
    const tenant = newTenant();

    await Promise.all(Array.from({ length: 2100 }, () => audit.append(tenant, newAuditEntry())));

    let count = 0;
    for await (const { sequence } of audit.chains(tenant)) expect(sequence).toBe(++count);
    expect(count).toBe(2100);
  });
});
