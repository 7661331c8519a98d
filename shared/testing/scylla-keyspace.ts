import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { scyllaClient } from '../adapters/distributed/scylla/client.ts';
import type { Engines } from '../engine-settings.ts';
import { dropKeyspace, migrateScylla } from '../migrations/apply.ts';

/** Settings for a keyspace of this test file's own, with all tables; it is dropped when the file's tests are done. */
export function testKeyspace(scylla: Engines['scylla']): Engines['scylla'] {
  const settings = { ...scylla, keyspace: `test_${randomUUID().replaceAll('-', '')}`, replication: 1 };
  beforeAll(() => migrateScylla(settings));
  afterAll(() => dropKeyspace(settings));
  return settings;
}

export interface Keyspaces {
  /** Settings of a keyspace with all tables and no rows. */
  take(scylla: Engines['scylla']): Promise<Engines['scylla']>;
  /** Once nobody uses it any more. */
  giveBack(scylla: Engines['scylla']): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * Keyspaces that are used one after the other.
 *
 * [Note: A keyspace for one after the other]
 * Making all tables and dropping them takes eight seconds of a platform's test, emptying those that hold rows one. So platforms of one
 * test file, which come one after the other, have one keyspace, and each finds it empty.
 */
export function keyspaces(): Keyspaces {
  const free: Engines['scylla'][] = [];
  return {
    async take(scylla) {
      const known = free.pop();
      if (known !== undefined) return known;
      const made = { ...scylla, keyspace: `test_${randomUUID().replaceAll('-', '')}`, replication: 1 };
      await migrateScylla(made);
      return made;
    },
    async giveBack(scylla) {
      await emptyKeyspace(scylla);
      free.push(scylla);
    },
    dispose: async () => void (await Promise.all(free.splice(0).map(dropKeyspace))),
  };
}

/** What is known of migrations stays. */
async function emptyKeyspace(settings: Engines['scylla']): Promise<void> {
  const client = scyllaClient(settings);
  try {
    await client.connect();
    const of = 'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?';
    const { rows } = await client.execute(of, [settings.keyspace], { prepare: true });
    for (const table of rows.map(({ table_name }) => table_name as string)) {
      if (table.startsWith('schema_')) continue;
      const { rowLength } = await client.execute(`SELECT * FROM ${table} LIMIT 1`);
      if (rowLength > 0) await client.execute(`TRUNCATE ${table}`, [], { readTimeout: 60_000 });
    }
  } finally {
    await client.shutdown();
  }
}
