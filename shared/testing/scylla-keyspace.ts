import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { scyllaClient } from '../adapters/distributed/scylla/client.ts';
import type { Engines } from '../engine-settings.ts';
import { dropKeyspace, migrateScylla } from '../migrations/apply.ts';

/** Settings for a keyspace that belongs to this test file, with all tables; it is dropped after the file's tests. */
export function testKeyspace(scylla: Engines['scylla']): Engines['scylla'] {
  const settings = { ...scylla, keyspace: `test_${randomUUID().replaceAll('-', '')}`, replication: 1 };
  beforeAll(() => migrateScylla(settings));
  afterAll(() => dropKeyspace(settings));
  return settings;
}

export interface Keyspaces {
  /** Returns the settings of a keyspace with all tables and no rows. */
  take(scylla: Engines['scylla']): Promise<Engines['scylla']>;
  /** Returns a keyspace that is no longer in use. */
  giveBack(scylla: Engines['scylla']): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * Keyspaces that tests reuse one after another.
 *
 * [Note: Reused keyspaces]
 * Creating and dropping all tables takes eight seconds for each test platform; truncating the tables that have rows takes one. The
 * platforms of one test file run one after another, so they share one keyspace, which is emptied between them.
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

/** Truncates all tables except the tables of the migrations. */
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
