import { createHash } from 'node:crypto';
import gallery from '../../../migrations/embedded/001-gallery.sql?raw';
import broker from '../../../migrations/embedded/002-broker.sql?raw';
import templates from '../../../migrations/embedded/003-templates.sql?raw';
import accounts from '../../../migrations/embedded/004-accounts.sql?raw';
import audit from '../../../migrations/embedded/005-audit.sql?raw';
import appearances from '../../../migrations/embedded/006-appearances.sql?raw';
import jobs from '../../../migrations/embedded/007-jobs.sql?raw';
import usage from '../../../migrations/embedded/008-usage.sql?raw';
import retention from '../../../migrations/embedded/009-retention.sql?raw';
import faceCount from '../../../migrations/embedded/010-face-count.sql?raw';
import webhooks from '../../../migrations/embedded/011-webhooks.sql?raw';
import batches from '../../../migrations/embedded/012-batches.sql?raw';
import deadLetterTopic from '../../../migrations/embedded/013-dead-letter-topic.sql?raw';
import jobFailures from '../../../migrations/embedded/014-job-failures.sql?raw';
import timeZone from '../../../migrations/embedded/015-time-zone.sql?raw';
import erasures from '../../../migrations/embedded/016-erasures.sql?raw';
import kept from '../../../migrations/embedded/017-kept.sql?raw';
import lineage from '../../../migrations/embedded/018-lineage.sql?raw';
import jobsOfTenant from '../../../migrations/embedded/019-jobs-of-tenant.sql?raw';
import { AppError } from '../../errors.ts';
import type { Database } from './database.ts';

export interface Migration {
  /** The file's name. */
  readonly name: string;
  readonly sql: string;
}

/** All files of migrations/embedded, by database, in order. The bundle contains their texts. */
export const migrations = {
  records: [
    { name: '001-gallery.sql', sql: gallery },
    { name: '006-appearances.sql', sql: appearances },
    { name: '007-jobs.sql', sql: jobs },
    { name: '008-usage.sql', sql: usage },
    { name: '009-retention.sql', sql: retention },
    { name: '010-face-count.sql', sql: faceCount },
    { name: '012-batches.sql', sql: batches },
    { name: '014-job-failures.sql', sql: jobFailures },
    { name: '016-erasures.sql', sql: erasures },
    { name: '019-jobs-of-tenant.sql', sql: jobsOfTenant },
  ],
  events: [
    { name: '002-broker.sql', sql: broker },
    { name: '013-dead-letter-topic.sql', sql: deadLetterTopic },
  ],
  vectors: [{ name: '003-templates.sql', sql: templates }],
  accounts: [
    { name: '004-accounts.sql', sql: accounts },
    { name: '015-time-zone.sql', sql: timeZone },
    { name: '018-lineage.sql', sql: lineage },
  ],
  audit: [{ name: '005-audit.sql', sql: audit }],
  cache: [{ name: '017-kept.sql', sql: kept }],
  webhooks: [{ name: '011-webhooks.sql', sql: webhooks }],
} as const satisfies Record<string, readonly Migration[]>;

/**
 * Brings a database to the newest schema. Each missing migration runs in its own transaction.
 * Errors: AppError STORE_UNAVAILABLE if a migration was changed after it ran, or if a newer version ran one that is unknown here.
 */
export function migrate(database: Database, wanted: readonly Migration[], now: number): void {
  database.execute(
    'CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT',
  );
  const applied = new Map(
    database
      .all<{ name: string; checksum: string }>('SELECT name, checksum FROM schema_migrations ORDER BY name')
      .map((row) => [row.name, row.checksum]),
  );
  const known = new Set(wanted.map(({ name }) => name));
  for (const name of applied.keys()) {
    if (known.has(name)) continue;
    throw refusal(`The data was written by a newer version (migration ${name} is unknown here). Update FreeFace.`);
  }
  for (const { name, sql } of wanted) {
    const checksum = checksumOf(sql);
    const before = applied.get(name);
    if (before === checksum) continue;
    if (before !== undefined) {
      throw refusal(
        `Migration ${name} was changed after it had run here. Restore the file, and put a schema change into a new migration.`,
      );
    }
    database.transaction(() => {
      database.execute(sql);
      database.run('INSERT INTO schema_migrations (name, checksum, applied_at) VALUES (?, ?, ?)', [
        name,
        checksum,
        now,
      ]);
    });
  }
}

/** SHA-256 in hex. Line ends do not count, because a checkout may change them. */
const checksumOf = (sql: string): string => createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex');

const refusal = (message: string): AppError => new AppError('STORE_UNAVAILABLE', { message });
