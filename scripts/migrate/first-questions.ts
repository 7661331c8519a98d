import { type Config, readConfig } from '../../shared/config.ts';
import { openMigratedScylla } from '../../shared/migrations/scylla.ts';
import { ask, canAsk, type Terminal } from './terminal.ts';

/** Settings that the first `up` asks for, with the text of each question. */
const questions = [
  ['SCYLLA_REPLICATION', 'Copies of each row in ScyllaDB'],
  ['MILVUS_INDEX', 'Index over the templates: HNSW, IVF_FLAT, DISKANN or GPU_CAGRA'],
  ['MILVUS_EXPECTED_FACES', 'Faces that you expect (this number sizes the index)'],
] as const;

/** Reads the configuration in distributed mode, also when FREEFACE_MODE is another: migrations run before the mode is switched. */
export const configOf = (environment: NodeJS.ProcessEnv): Config =>
  readConfig({ ...environment, FREEFACE_MODE: 'distributed' });

/**
 * The configuration. Before the first `up`, and only on a terminal, asks for each setting that is not set. `chosen` lists the answers as
 * NAME=value; the user must set them for the platform as well.
 */
export async function askedConfig(
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
  folder: string,
): Promise<{ config: Config; chosen: readonly string[] }> {
  const config = configOf(environment);
  const isAsked = canAsk(terminal) && config.engines.missing(['scylla']).length === 0;
  if (!isAsked || (await nodesIfNew(config, folder)) === null) return { config, chosen: [] };
  const answers: NodeJS.ProcessEnv = {};
  if (!environment.SCYLLA_KEYSPACE) {
    answers.SCYLLA_KEYSPACE = await ask(terminal, 'Keyspace in ScyllaDB', config.engines.scylla.keyspace);
  }
  const nodes = await nodesIfNew(configOf({ ...environment, ...answers }), folder);
  if (nodes !== null) {
    const fallbacks: Record<string, string> = {
      SCYLLA_REPLICATION: String(Math.min(nodes, 3)),
      MILVUS_INDEX: 'HNSW',
      MILVUS_EXPECTED_FACES: '100000',
    };
    for (const [name, question] of questions) {
      if (!environment[name]) answers[name] = await ask(terminal, question, fallbacks[name]!);
    }
  }
  const chosen = Object.entries(answers).map(([name, value]) => `${name}=${value}`);
  return { config: configOf({ ...environment, ...answers }), chosen };
}

/** Number of nodes in the data centre; null when the keyspace exists. */
async function nodesIfNew(config: Config, folder: string): Promise<number | null> {
  const database = await openMigratedScylla(config.engines.scylla, folder);
  try {
    return (await database.replication()) === null ? await database.nodes() : null;
  } finally {
    await database.close();
  }
}
