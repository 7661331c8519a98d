import type { Config } from '../../shared/config.ts';
import { readConfig } from '../../shared/config.ts';
import { openMigratedScylla } from './scylla.ts';
import { ask, canAsk, type Terminal } from './terminal.ts';

/** What the first `up` may be asked for, with what it says about it. */
const questions = [
  ['SCYLLA_REPLICATION', 'Copies of each row in ScyllaDB'],
  ['MILVUS_INDEX', 'Index over the templates: HNSW, IVF_FLAT, DISKANN or GPU_CAGRA'],
  ['MILVUS_EXPECTED_FACES', 'Faces to lay the index out for'],
] as const;

/** As in a distributed process, whatever the mode: migrating comes before it. */
export const configOf = (environment: NodeJS.ProcessEnv): Config =>
  readConfig({ ...environment, FREEFACE_MODE: 'distributed' });

/**
 * The configuration. Before the first `up`, and where somebody can be asked, what was not set is asked for; `chosen` is what has to be
 * set for the platform, too.
 */
export async function askedConfig(
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
  folder: string,
): Promise<{ config: Config; chosen: readonly string[] }> {
  let config = configOf(environment);
  if (!canAsk(terminal) || config.engines.missing(['scylla']).length > 0) return { config, chosen: [] };
  const answers: NodeJS.ProcessEnv = {};
  const { scylla } = config.engines;
  if (!environment.SCYLLA_KEYSPACE) {
    answers.SCYLLA_KEYSPACE = await ask(terminal, 'Keyspace in ScyllaDB', scylla.keyspace);
    config = configOf({ ...environment, ...answers });
  }
  const database = await openMigratedScylla(config.engines.scylla, folder);
  try {
    if ((await database.replication()) === null) {
      const fallbacks: Record<string, string> = {
        SCYLLA_REPLICATION: String(Math.min(await database.nodes(), 3)),
        MILVUS_INDEX: 'HNSW',
        MILVUS_EXPECTED_FACES: '100000',
      };
      for (const [name, question] of questions) {
        if (!environment[name]) answers[name] = await ask(terminal, question, fallbacks[name]!);
      }
    }
  } finally {
    await database.close();
  }
  const chosen = Object.entries(answers).map(([name, value]) => `${name}=${value}`);
  return { config: configOf({ ...environment, ...answers }), chosen };
}
