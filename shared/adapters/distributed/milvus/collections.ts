import type { MilvusClient } from '@zilliz/milvus2-sdk-node';
import type { VectorSpace } from '../../../ports/vectors.ts';
import { checked, codes, MilvusError, type MilvusSettings, requestMs } from './client.ts';
import { collectionLoader } from './collection-loading.ts';
import { createCollection, createIndex, hasIndex, readDimension } from './collection-schema.ts';

const retries = { count: 2 };

export interface Collections {
  /** Resolves to the name of the space's collection; creates it when it is missing. Errors: RangeError for another dimension. */
  open(space: VectorSpace): Promise<string>;
  /** Like `open`, but creates nothing: null when the collection never existed. Errors: MilvusError when it was dropped. */
  find(space: VectorSpace): Promise<string | null>;
  /** Dimension of a collection; null when it does not exist. Errors: MilvusError when this platform did not create it. */
  dimensionOf(name: string): Promise<number | null>;
  /** Creates a collection with its index and loads it. */
  make(name: string, dimension: number): Promise<void>;
  /** Names of all collections with the configured prefix. */
  all(): Promise<string[]>;
  /** Runs `work` on a collection. When it is not loaded, for example after a restart of Milvus, loads it and runs `work` again. */
  loaded<Answer>(name: string, work: () => Promise<Answer>): Promise<Answer>;
  /** Aborts every wait for a collection to load. */
  close(): void;
}

/** State of the collections in this process. */
interface Known {
  readonly client: MilvusClient;
  readonly settings: MilvusSettings;
  /** Loads a collection, once for all callers that wait for it. */
  readonly load: (name: string) => Promise<void>;
  readonly dimensions: Map<string, number>;
  /** Pending `open` calls by collection. */
  readonly opening: Map<string, Promise<string>>;
  /** Collections that have an index. */
  readonly indexed: Set<string>;
  /** Collections that existed and were dropped. */
  readonly gone: Set<string>;
}

/**
 * One collection for each space. The partition key is the tenant.
 *
 * [Note: A space has a dimension]
 * All embeddings of an embedder have one length. So the name of a space also determines the dimension. A collection with another
 * dimension is an error.
 *
 * [Note: A missing collection is not always an empty gallery]
 * A collection that never existed means that no face is enrolled. A collection that existed and is missing was dropped, or the server
 * lost it. An empty result would then be wrong. So the store is unavailable until a template is written again.
 */
export function openCollections(client: MilvusClient, settings: MilvusSettings): Collections {
  const closing = new AbortController();
  const known: Known = {
    client,
    settings,
    load: collectionLoader(client, closing.signal),
    dimensions: new Map(),
    opening: new Map(),
    indexed: new Set(),
    gone: new Set(),
  };

  return {
    open: (space) => open(known, space),
    find: (space) => find(known, space),
    dimensionOf: (name) => dimensionOf(known, name),
    make: (name, dimension) => make(known, name, dimension),
    async all() {
      const { data } = checked('listing collections', await client.showCollections({ timeout: requestMs }));
      return data.map(({ name }) => name).filter((name) => name.startsWith(`${settings.collectionPrefix}__`));
    },
    loaded: (name, work) => whenLoaded(known, name, work),
    close: () => closing.abort(),
  };
}

async function open(known: Known, space: VectorSpace): Promise<string> {
  const { opening, settings } = known;
  const name = collectionName(settings.collectionPrefix, space.space);
  let pending = opening.get(name);
  if (pending === undefined) {
    pending = makeOrComplete(known, name, space.dimension);
    opening.set(name, pending);
    const done = () => void opening.delete(name);
    pending.then(done, done);
  }
  await pending;
  requireDimension(space, (await dimensionOf(known, name)) ?? space.dimension);
  return name;
}

/** Creates the collection, or adds the index that it lacks. */
async function makeOrComplete(known: Known, name: string, dimension: number): Promise<string> {
  if ((await dimensionOf(known, name)) === null) await make(known, name, dimension);
  else await complete(known, name);
  return name;
}

async function find(known: Known, space: VectorSpace): Promise<string | null> {
  const name = collectionName(known.settings.collectionPrefix, space.space);
  const dimension = await dimensionOf(known, name);
  if (dimension === null && known.gone.has(name)) {
    throw new MilvusError(
      `the collection ${name} existed and is missing now. Restore it, or enrol again`,
      codes.collectionNotFound,
    );
  }
  if (dimension === null) return null;
  requireDimension(space, dimension);
  return name;
}

async function dimensionOf({ client, dimensions }: Known, name: string): Promise<number | null> {
  const cached = dimensions.get(name);
  if (cached !== undefined) return cached;
  const dimension = await readDimension(client, name);
  if (dimension !== null) dimensions.set(name, dimension);
  return dimension;
}

async function make(known: Known, name: string, dimension: number): Promise<void> {
  await createCollection(known.client, name, dimension);
  await index(known, name);
}

/** Creates the index when it is missing: another process may have died between creating the collection and its index. */
async function complete(known: Known, name: string): Promise<void> {
  if (known.indexed.has(name)) return;
  if (await hasIndex(known.client, name)) known.indexed.add(name);
  else await index(known, name);
}

async function index({ client, settings, load, indexed }: Known, name: string): Promise<void> {
  await createIndex(client, settings, name);
  await load(name);
  indexed.add(name);
}

async function whenLoaded<Answer>(
  { load, dimensions, indexed, gone }: Known,
  name: string,
  work: () => Promise<Answer>,
): Promise<Answer> {
  for (let left = retries.count; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof MilvusError)) throw error;
      if (error.code === codes.collectionNotFound) {
        dimensions.delete(name);
        indexed.delete(name);
        gone.add(name);
      }
      if (error.code !== codes.collectionNotLoaded || left <= 0) throw error;
      await load(name);
    }
  }
}

function requireDimension(space: VectorSpace, actual: number): void {
  if (actual === space.dimension) return;
  throw new RangeError(`space ${space.space}: the dimension is ${space.dimension}; the collection has ${actual}`);
}

/** A space has the characters `a-z 0-9 . -`; a collection may have letters, digits and `_`. No two spaces get the same name. */
export const collectionName = (prefix: string, space: string): string =>
  `${prefix}__${space.replace(/[.-]/g, (sign) => (sign === '.' ? '_p' : '_h'))}`;
