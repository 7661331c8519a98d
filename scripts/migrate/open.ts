import type { Config } from '../../shared/config.ts';
import type { EngineName } from '../../shared/engine-settings.ts';
import type { DatabaseName, MigratedDatabase } from '../../shared/migrations/migration.ts';
import { MigrationError } from '../../shared/migrations/migration.ts';
import { type MigratedScylla, openMigratedScylla } from '../../shared/migrations/scylla.ts';
import type { VectorSpace } from '../../shared/ports/vectors.ts';
import { createLogger } from '../../shared/telemetry/log.ts';
import { findPack } from '../../shared/vision/weights/packs.ts';
import { type MigratedMilvus, openMigratedMilvus } from './milvus.ts';

export interface Opened {
  readonly scylla: MigratedScylla;
  /** The requested databases, in the order in which they are migrated. */
  readonly databases: readonly MigratedDatabase[];
  readonly milvus: MigratedMilvus | null;
  close(): Promise<void>;
}

const engineOf: Readonly<Record<DatabaseName, EngineName>> = {
  scylla: 'scylla',
  kafka: 'kafka',
  minio: 's3',
  milvus: 'milvus',
};

/**
 * Opens the requested databases, and always ScyllaDB, which stores the journal. Connects to the other databases on first use. Errors:
 * MigrationError when a setting is missing or ScyllaDB does not answer.
 */
export async function openDatabases(
  config: Config,
  names: readonly DatabaseName[],
  { folder, topicPrefix }: { readonly folder: string; readonly topicPrefix: string },
): Promise<Opened> {
  const { engines } = config;
  requireEngines(config, [...new Set(['scylla' as const, ...names.map((name) => engineOf[name])])]);
  const log = createLogger('silent');
  const scylla = await openMigratedScylla(engines.scylla, folder);
  const opened: MigratedDatabase[] = [scylla];
  let milvus: MigratedMilvus | null = null;
  const close = async () => {
    for (const database of opened.splice(0)) await database.close().catch(() => undefined);
  };
  try {
    // Each import loads the driver of its database.
    if (names.includes('kafka')) {
      const { openMigratedKafka } = await import('./kafka.ts');
      opened.push(await openMigratedKafka(engines.kafka, folder, log, topicPrefix));
    }
    if (names.includes('minio')) {
      const { openMigratedBuckets } = await import('./minio.ts');
      opened.push(await openMigratedBuckets(engines.s3, folder));
    }
    if (names.includes('milvus')) {
      milvus = await openMigratedMilvus(engines.milvus, folder, () => spacesOf(config));
      opened.push(milvus);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { scylla, milvus, databases: opened.filter(({ name }) => names.includes(name)), close };
}

/** Errors: MigrationError that names every missing variable of these engines. */
export function requireEngines({ engines }: Config, names: readonly EngineName[]): void {
  const missing = engines.missing(names);
  if (missing.length === 0) return;
  const lines = missing.map((variable) => `  ${variable}: is required for this command`);
  throw new MigrationError(`The configuration is wrong:\n${lines.join('\n')}`);
}

/** Spaces of the configured model packs. */
async function spacesOf({ packs, modelsDir, dataDir }: Config): Promise<VectorSpace[]> {
  const spaces = new Map<string, VectorSpace>();
  for (const name of packs) {
    const { space, embedder } = await findPack(name, { modelsDir, dataDir });
    spaces.set(space, { space, dimension: embedder.dimension });
  }
  return [...spaces.values()];
}
