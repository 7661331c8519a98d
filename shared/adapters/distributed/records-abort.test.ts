import { expect, it, onTestFinished } from 'vitest';
import type { WriteOptions } from '../../ports/records/outbox.ts';
import type { Records } from '../../ports/records.ts';
import type { Tenant } from '../../ports/tenant.ts';
import { describeEngine } from '../../testing/engine.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { newPerson, newTenant } from '../../testing/record-factories.ts';
import { testKeyspace } from '../../testing/scylla-keyspace.ts';
import { openRecords, recordsOn } from './records.ts';
import { claimsOfPersons } from './records-persons.ts';
import { openScylla, type Scylla } from './scylla/client.ts';
import { openScyllaStore } from './scylla/store.ts';

const externalId = 'e-1';
type Call = (records: Records, options: WriteOptions) => Promise<unknown>;

describeEngine('scylla', 'records whose caller aborts', (settings) => {
  const scylla = testKeyspace(settings);
  const options = { engines: { scylla }, clock: fakeClock() };
  const storeOn = (way: Scylla) => {
    const store = openScyllaStore('records', options, way);
    onTestFinished(() => store.close());
    return store;
  };

  it.each<[string, (records: Records, tenant: Tenant) => Promise<Call>]>([
    ['creating a person', async (_, tenant) => (records, with_) => records.createPerson(tenant, named(), with_)],
    [
      'giving a person another external id',
      async (records, tenant) => {
        const { personId } = await records.createPerson(tenant, newPerson());
        return (leaving, with_) => leaving.updatePerson(tenant, personId, { externalId }, with_);
      },
    ],
  ])('When %s is aborted before any of its requests, then it is done completely or not at all', async (_, prepare) => {
    const records = await openRecords(options);
    onTestFinished(() => records.close());
    const outcomes: string[] = [];
    for (let request = 1, isOver = false; !isOver; request++) {
      const tenant = newTenant();
      const call = await prepare(records, tenant);
      const before = await records.listPersons(tenant, { limit: 10 });
      const controller = new AbortController();
      const way = beforeEach(openScylla(scylla), (count) => count === request && controller.abort(new Error('gone')));

      const outcome = await call(recordsOn(storeOn(way)), { signal: controller.signal }).then(
        () => 'done',
        (error: Error) => error.message,
      );

      isOver = !controller.signal.aborted;
      outcomes.push(outcome);
      const next = records.createPerson(tenant, named());
      if (outcome === 'done') await expect(next).rejects.toMatchObject({ code: 'EXTERNAL_ID_TAKEN' });
      else {
        const { personId } = await next;
        const { items } = await records.listPersons(tenant, { limit: 10 });
        expect(items.filter((person) => person.personId !== personId)).toEqual(before.items);
      }
    }

    expect(new Set(outcomes)).toEqual(new Set(['gone', 'done']));
  });

  it('When a holder claims a name again, then giving back the first claim keeps the name', async () => {
    const claims = claimsOfPersons(storeOn(openScylla(scylla)));
    const tenant = newTenant();
    const claim = () => claims.claim(tenant, externalId, 'holder', async () => true);
    const [first, second] = [await claim(), await claim()];

    await claims.giveBack(tenant, externalId, 'holder', first);
    const kept = await claims.holder(tenant, externalId);
    await claims.giveBack(tenant, externalId, 'holder', second);

    expect([first.fresh, second.fresh, kept]).toEqual([true, false, 'holder']);
    expect(await claims.holder(tenant, externalId)).toBeNull();
  });
});

const named = () => newPerson({ externalId });

/** Wraps a connection: `onRequest` is called before each request, with its number from 1. */
function beforeEach(scylla: Scylla, onRequest: (count: number) => unknown): Scylla {
  let count = 0;
  const counting =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Result) =>
    (...args: Args): Result => {
      onRequest(++count);
      return call(...args);
    };
  return {
    rows: counting(scylla.rows),
    decide: counting(scylla.decide),
    decideTogether: counting(scylla.decideTogether),
    write: counting(scylla.write),
    writeTogether: counting(scylla.writeTogether),
    close: () => scylla.close(),
  };
}
