import { resolve } from 'node:path';
import { type ScyllaSettings, scyllaClient } from '../adapters/distributed/scylla/client.ts';
import { MigrationError } from './migration.ts';
import { migrateUp } from './run.ts';
import { openMigratedScylla } from './scylla.ts';

/** Migrates a keyspace to the newest schema, without output. Creates the keyspace when it is missing. Errors: MigrationError. */
export async function migrateScylla(settings: ScyllaSettings, folder = resolve('migrations')): Promise<void> {
  const scylla = await openMigratedScylla(settings, folder);
  const { journal } = scylla;
  try {
    await scylla.prepare();
    await journal.prepare();
    const nothing = () => undefined;
    const lock = await journal.lock(150_000, nothing);
    try {
      const done = await migrateUp(scylla, { journal, lock, onStep: nothing, onDone: nothing });
      const failed = done.find(({ status }) => status === 'failed');
      if (failed !== undefined) throw new MigrationError(`${failed.name} failed: ${failed.error}`);
    } finally {
      await lock.release();
    }
  } finally {
    await scylla.close();
  }
}

export async function dropKeyspace(settings: ScyllaSettings): Promise<void> {
  const admin = scyllaClient(settings, { withKeyspace: false });
  await admin.connect();
  // The server first writes every table to the disk, which can take long.
  await admin.execute(`DROP KEYSPACE IF EXISTS ${settings.keyspace}`, [], { readTimeout: 60_000 });
  await admin.shutdown();
}
