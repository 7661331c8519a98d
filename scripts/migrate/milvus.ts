import { isDeepStrictEqual } from 'node:util';
import type { MilvusClient } from '@zilliz/milvus2-sdk-node';
import * as z from 'zod';
import {
  checked,
  load,
  type MilvusSettings,
  openMilvus,
  requestMs,
} from '../../shared/adapters/distributed/milvus/client.ts';
import { collectionName, openCollections } from '../../shared/adapters/distributed/milvus/collections.ts';
import { indexParams } from '../../shared/adapters/distributed/milvus/vector-index.ts';
import { parseFile, readFiles } from '../../shared/migrations/files.ts';
import type { MigratedDatabase, Migration, Step } from '../../shared/migrations/migration.ts';
import type { VectorSpace } from '../../shared/ports/vectors.ts';

const fileSchema = z.strictObject({ about: z.string(), fields: z.array(z.looseObject({ name: z.string() })).min(1) });

export interface MigratedMilvus extends MigratedDatabase {
  /** Names of FreeFace's collections. */
  collections(): Promise<string[]>;
  truncate(collections: readonly string[]): readonly Step[];
}

const timeout = requestMs;
const usualDatabase = 'default';
/** Building an index over millions of templates takes long, and so does loading them. */
const buildMs = 30 * 60_000;

/**
 * Collections of Milvus.
 *
 * [Note: Collections follow the packs]
 * The model packs decide which collections exist, and the configuration decides their index. So no file contains either of them. The
 * first file lists the fields of a collection. `up` creates the collections of the configured packs. It also rebuilds every index that
 * differs from the configuration. A pack that is added later gets its collection when its first face is stored.
 */
export async function openMigratedMilvus(
  settings: MilvusSettings,
  folder: string,
  spaces: () => Promise<readonly VectorSpace[]>,
): Promise<MigratedMilvus> {
  const files = await readFiles(folder, 'milvus');
  const parsed = files.map((file) => ({ ...file, ...parseFile(fileSchema, file) }));
  let opened: MilvusClient | undefined;
  const client = (): MilvusClient => {
    opened ??= openMilvus(settings);
    return opened;
  };
  const collections = () => openCollections(client(), settings);
  const all = async () => ((await hasDatabase(settings)) ? await collections().all() : []);

  const first: Pick<Migration, 'up' | 'down' | 'isThere' | 'holds'> = {
    async up() {
      const there = new Set(await all());
      const steps: Step[] = [];
      if (!(await hasDatabase(settings))) {
        steps.push({ what: `create the database ${settings.database}`, run: () => makeDatabase(settings) });
      }
      for (const space of await spaces()) {
        const name = collectionName(settings.collectionPrefix, space.space);
        if (there.has(name)) continue;
        const run = () => collections().open(space);
        steps.push({ what: `create the collection ${name}, with an index ${settings.index}`, run });
      }
      for (const name of there) {
        if (await isIndexed(client(), name, settings)) continue;
        const run = () => buildIndex(client(), name, settings);
        steps.push({ what: `rebuild the index of ${name}: ${settings.index}`, run });
      }
      return steps;
    },
    down: async () => (await all()).map((name) => dropStep(client, name)),
    async isThere() {
      return (await first.up()).length === 0;
    },
    async holds() {
      const held: string[] = [];
      for (const name of await all()) {
        const count = await countOf(client(), name);
        if (count > 0) held.push(`${name}: ${count} templates`);
      }
      return held;
    },
  };
  const addition = (fields: readonly { name: string }[]): typeof first => ({
    async up() {
      const steps: Step[] = [];
      for (const name of await all()) {
        const there = await fieldsOf(client(), name);
        for (const field of fields.filter((each) => !there.has(each.name))) {
          const run = async () => {
            const request = { collection_name: name, field: { nullable: true, ...field } as never, timeout };
            checked('adding a field', await client().addCollectionField(request));
          };
          steps.push({ what: `add ${field.name} to ${name}`, run });
        }
      }
      return steps;
    },
    down: async () => ({ none: 'Milvus cannot remove a field from a collection' }),
    holds: async () => [],
  });

  return {
    name: 'milvus',
    title: settings.collectionPrefix,
    migrations: parsed.map(({ name, checksum, fields }, index) => ({
      name,
      checksum,
      ...(index === 0 ? first : addition(fields)),
    })),
    collections: all,
    truncate: (names) =>
      names.map((name) => ({ what: `truncate the collection ${name}`, run: () => empty(client(), name, settings) })),
    erase: async () => (await all()).map((name) => dropStep(client, name)),
    close: async () => void (await opened?.closeConnection()),
  };
}

const dropStep = (client: () => MilvusClient, name: string): Step => ({
  what: `drop the collection ${name}`,
  run: async () => checked('dropping', await client().dropCollection({ collection_name: name, timeout })),
});

/** A client uses one database, which it gets when it is created. This client uses the database that always exists. */
async function onServer<Value>(
  settings: MilvusSettings,
  work: (client: MilvusClient) => Promise<Value>,
): Promise<Value> {
  const client = openMilvus({ ...settings, database: usualDatabase });
  try {
    return await work(client);
  } finally {
    await client.closeConnection();
  }
}

async function hasDatabase(settings: MilvusSettings): Promise<boolean> {
  if (settings.database === usualDatabase) return true;
  return await onServer(settings, async (client) =>
    checked('listing databases', await client.listDatabases({ timeout })).db_names.includes(settings.database),
  );
}

const makeDatabase = (settings: MilvusSettings): Promise<unknown> =>
  onServer(settings, async (client) =>
    checked('creating a database', await client.createDatabase({ db_name: settings.database, timeout })),
  );

async function isIndexed(client: MilvusClient, name: string, settings: MilvusSettings): Promise<boolean> {
  const wanted = indexParams(settings.index, settings.expectedFaces);
  const answer = await client.describeIndex({ collection_name: name, field_name: 'embedding', timeout });
  if (answer.status.error_code !== 'Success') return false;
  const params = new Map((answer.index_descriptions[0]?.params ?? []).map(({ key, value }) => [key, String(value)]));
  const built = JSON.parse(params.get('params') ?? '{}') as Record<string, unknown>;
  const numbers = Object.fromEntries(
    Object.keys(wanted.params).map((key) => [key, Number(built[key] ?? params.get(key))]),
  );
  return params.get('index_type') === wanted.index_type && isDeepStrictEqual(numbers, { ...wanted.params });
}

async function buildIndex(client: MilvusClient, name: string, settings: MilvusSettings): Promise<void> {
  const collection_name = name;
  const { index_type, metric_type, params } = indexParams(settings.index, settings.expectedFaces);
  const of = { collection_name, field_name: 'embedding', index_name: 'embedding' };
  checked('releasing', await client.releaseCollection({ collection_name, timeout }));
  checked('dropping an index', await client.dropIndex({ ...of, timeout }));
  const made = await client.createIndex({ ...of, index_type, metric_type, params: { ...params }, timeout: buildMs });
  checked('creating an index', made);
  await load(client, collection_name, { withinMs: buildMs });
}

/** Drops the collection and creates it again: Milvus leaves entities that are deleted one by one on the disk for some time. */
async function empty(client: MilvusClient, name: string, settings: MilvusSettings): Promise<void> {
  const collections = openCollections(client, settings);
  const dimension = await collections.dimensionOf(name);
  if (dimension === null) return;
  checked('dropping', await client.dropCollection({ collection_name: name, timeout }));
  await collections.make(name, dimension);
}

async function countOf(client: MilvusClient, name: string): Promise<number> {
  await load(client, name, { withinMs: buildMs });
  const answer = await client.query({ collection_name: name, filter: '', output_fields: ['count(*)'], timeout });
  return Number(checked('counting', answer).data[0]?.['count(*)'] ?? 0);
}

async function fieldsOf(client: MilvusClient, name: string): Promise<Set<string>> {
  const answer = await client.describeCollection({ collection_name: name, timeout });
  return new Set(checked('describing', answer).schema.fields.map((field) => field.name));
}
