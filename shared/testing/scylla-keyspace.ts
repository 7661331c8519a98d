import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { dropKeyspace, migrateScylla } from '../../scripts/migrate/apply.ts';
import type { Engines } from '../engine-settings.ts';

/** Settings for a keyspace of this test file's own, with all tables; it is dropped when the file's tests are done. */
export function testKeyspace(scylla: Engines['scylla']): Engines['scylla'] {
  const settings = { ...scylla, keyspace: `test_${randomUUID().replaceAll('-', '')}`, replication: 1 };
  beforeAll(() => migrateScylla(settings));
  afterAll(() => dropKeyspace(settings));
  return settings;
}
