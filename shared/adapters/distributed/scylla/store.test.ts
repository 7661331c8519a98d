import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../ports/clock.ts';
import { describeEngine } from '../../../testing/engine.ts';
import { portProxy } from '../../../testing/port-proxy.ts';
import { newJob, newPerson, newTenant } from '../../../testing/record-factories.ts';
import { testKeyspace } from '../../../testing/scylla-keyspace.ts';
import { openRecords } from '../records.ts';

describeEngine('scylla', 'a store in ScyllaDB with connection faults', (scylla) => {
  const settings = testKeyspace(scylla);
  const setUp = async () => {
    const { hostname, port } = new URL(`tcp://${settings.contactPoints[0]}`);
    const proxy = await portProxy({ host: hostname, port: Number(port) });
    const engines = { scylla: { ...settings, contactPoints: [`127.0.0.1:${proxy.port}`] } };
    const records = await openRecords({ engines, clock: systemClock });
    onTestFinished(async () => {
      await proxy.up();
      await records.close();
    });
    const tenant = newTenant();
    const create = () =>
      records.createPerson(tenant, newPerson()).then(
        () => 'created',
        (error: { code?: string }) => error.code,
      );
    return { proxy, records, tenant, create };
  };
  const leaving = () => {
    const controller = new AbortController();
    setImmediate(() => controller.abort(new Error('gone')));
    return { signal: controller.signal };
  };

  it('When the server is down, then opening succeeds, calls fail in time, and they work once it is up', async () => {
    const { proxy, create } = await setUp();
    await proxy.down();
    const begun = performance.now();

    const first = await create();
    const took = performance.now() - begun;
    await proxy.up();

    expect(first).toBe('STORE_UNAVAILABLE');
    expect(took).toBeLessThan(5000);
    await expect.poll(create, { timeout: 20_000 }).toBe('created');
  });

  it('When the connections break, for example at a restart, then the store soon works again and has all acknowledged rows', async () => {
    const { proxy, create, records, tenant } = await setUp();
    expect(await create()).toBe('created');

    proxy.restart();

    await expect.poll(create, { timeout: 20_000 }).toBe('created');
    expect((await records.listPersons(tenant, { limit: 10 })).items.length).toBeGreaterThanOrEqual(2);
  });

  it('When the server hangs, then an abort ends reads, and changes that have not started, at once', async () => {
    const { proxy, records, tenant } = await setUp();
    const job = newJob();
    await records.createJob(tenant, job);
    const person = await records.createPerson(tenant, newPerson());
    proxy.hang();
    const begun = performance.now();

    const calls = await Promise.allSettled([
      records.getJob(tenant, job.jobId, leaving()),
      records.startJob(tenant, job.jobId, leaving()),
      records.startJob(tenant, job.jobId, leaving()),
      records.createPerson(tenant, newPerson(), leaving()),
      records.updatePerson(tenant, person.personId, { name: 'another' }, leaving()),
    ]);
    const took = performance.now() - begun;
    await proxy.up();

    const gone = calls.map(() => 'gone');
    expect(calls.map((call) => (call.status === 'rejected' ? call.reason.message : call.value))).toEqual(gone);
    expect(took).toBeLessThan(1000);
    const started = () => records.getJob(tenant, job.jobId).catch(() => 'down');
    await expect.poll(started, { timeout: 20_000 }).toMatchObject({ status: 'queued' });
    expect((await records.listPersons(tenant, { limit: 10 })).items).toEqual([person]);
  });

  it('When the server hangs and the call is not aborted, then it ends after its time limit', async () => {
    const { proxy, create } = await setUp();
    await create();
    proxy.hang();
    const begun = performance.now();

    expect(await create()).toBe('STORE_UNAVAILABLE');
    expect(performance.now() - begun).toBeLessThan(30_000);
  });
});
