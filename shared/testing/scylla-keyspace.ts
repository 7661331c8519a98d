import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { scyllaClient } from '../adapters/distributed/scylla-client.ts';
import { applyScyllaMigrations } from '../adapters/distributed/scylla-migrations.ts';
import type { Engines } from '../engine-settings.ts';

/** Settings for a keyspace of this test file's own, with all tables; it is dropped when the file's tests are done. */
export function testKeyspace(scylla: Engines['scylla']): Engines['scylla'] {
  const keyspace = `test_${randomUUID().replaceAll('-', '')}`;
  const admin = scyllaClient(scylla, { withKeyspace: false });
  beforeAll(async () => {
    await admin.connect();
    await applyScyllaMigrations(admin, keyspace, { dataCenter: scylla.localDatacenter, replication: 1 });
  });
  afterAll(async () => {
    await admin.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`);
    await admin.shutdown();
  });
  return { ...scylla, keyspace };
}
