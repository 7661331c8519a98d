import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { describeEngine } from '../../../testing/engine.ts';
import { testKeyspace } from '../../../testing/scylla-keyspace.ts';
import { openScylla, type Scylla } from './client.ts';
import { drop, put, type Walk, walk } from './lists.ts';

const hour = 3_600_000;
const start = (ago: number) => Math.floor((Date.now() - ago) / hour) * hour;

describeEngine('scylla', 'lists in buckets', (scylla) => {
  const settings = testKeyspace(scylla);
  /** A list that no other test uses. Its entries are written three hours ago. A walk also returns the number of buckets that it read. */
  const newList = (table: 'jobs_finished' | 'dead_letters_of_all') => {
    const store = openScylla(settings);
    onTestFinished(() => store.close());
    const tenant = randomUUID();
    let read = 0;
    const counting: Scylla = {
      ...store,
      rows(name, values) {
        if (name.startsWith(`${table}:`)) read++;
        return store.rows(name, values);
      },
    };
    const written = (Date.now() - 3 * hour) * 1000;
    return {
      put: (at: number) => store.write(put(table, tenant, { at, id: 'x' }), written),
      drop: (at: number) => store.write(drop(table, tenant, { at, id: 'x' }), written + 1),
      async walk(range: Partial<Walk> = {}) {
        read = 0;
        const found: number[] = [];
        for await (const { at } of walk(counting, table, tenant, { order: 'up', step: 100, ...range })) found.push(at);
        return { found, read };
      },
    };
  };

  it.each(['jobs_finished', 'dead_letters_of_all'] as const)(
    'When old hours of %s are empty, then a walk unregisters them, and the next walk does not read them',
    async (table) => {
      const list = newList(table);
      const hours = Array.from({ length: 40 }, (_, i) => start((100 + i) * hour));
      for (const at of hours) await list.put(at);
      for (const at of hours.slice(1)) await list.drop(at);

      const first = await list.walk();

      expect(first).toEqual({ found: [hours[0]], read: 40 });
      await expect.poll(() => list.walk()).toEqual({ found: [hours[0]], read: 1 });
    },
  );

  it('When a walk ends within an hour, then later entries of that hour are still found', async () => {
    const list = newList('jobs_finished');
    const at = start(100 * hour);
    await list.put(at + 2);
    await list.put(start(99 * hour));

    const before = await list.walk({ to: at + 1 });
    const behind = await list.walk({ order: 'down', from: at + 3, to: at + hour });

    expect([before.found, behind.found]).toEqual([[], []]);
    for (let i = 0; i < 5; i++) expect((await list.walk()).found).toHaveLength(2);
  });

  it('When an empty hour is recent, then it stays registered and is read again', async () => {
    const list = newList('jobs_finished');
    const at = start(24 * hour);
    await list.put(at);
    await list.drop(at);

    await list.walk();

    for (let i = 0; i < 5; i++) expect((await list.walk()).read).toBe(1);
  });
});
