import type { MilvusClient } from '@zilliz/milvus2-sdk-node';
import type { VectorSpace } from '../../../ports/vectors.ts';
import { checked, codes, MilvusError, type MilvusSettings, requestMs } from './client.ts';
import { collectionLoader } from './collection-loading.ts';
import { createCollection, createIndex, hasIndex, readDimension } from './collection-schema.ts';

const retries = { count: 2 };

export interface Collections {
  /** Name of the collection of a space, made where there is none. RangeError when it has another dimension. */
  open(space: VectorSpace): Promise<string>;
  /** The same, but null where there never was one. Errors: MilvusError for one that is gone. */
  find(space: VectorSpace): Promise<string | null>;
  /** Of one of ours; null where there is none. Errors: MilvusError for one that is none of ours. */
  dimensionOf(name: string): Promise<number | null>;
  /** Makes one that is not there. */
  make(name: string, dimension: number): Promise<void>;
  /** Names of all collections of ours. */
  all(): Promise<string[]>;
  /** Runs `work` on a collection, and once more after loading it where Milvus has let it go, as it does when it restarts. */
  loaded<Answer>(name: string, work: () => Promise<Answer>): Promise<Answer>;
  /** Ends every wait for a collection. */
  close(): void;
}

/** What this process knows of the collections. */
interface Known {
  readonly client: MilvusClient;
  readonly settings: MilvusSettings;
  /** Loads a collection, once for all callers that wait for it. */
  readonly load: (name: string) => Promise<void>;
  readonly dimensions: Map<string, number>;
  readonly opening: Map<string, Promise<string>>;
  /** Collections that were seen with an index. */
  readonly indexed: Set<string>;
  readonly gone: Set<string>;
}

/**
 * One collection for each space; the tenant is its partition key.
 *
 * [Note: A space has a dimension]
 * An embedder has one length of embeddings, so the name of the space names both, and a collection that has another length belongs
 * to a mistake.
 *
 * [Note: A gallery that is gone is not empty]
 * Where there is no collection nobody is enrolled yet. Where there was one, somebody has dropped it or the server has lost it: to answer as
 * if nobody were enrolled would be wrong, so the store is unavailable until a template is written again.
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

async function makeOrComplete(known: Known, name: string, dimension: number): Promise<string> {
  if ((await dimensionOf(known, name)) === null) await make(known, name, dimension);
  else await complete(known, name);
  return name;
}

async function find(known: Known, space: VectorSpace): Promise<string | null> {
  const name = collectionName(known.settings.collectionPrefix, space.space);
  const dimension = await dimensionOf(known, name);
  if (dimension === null && known.gone.has(name)) {
    throw new MilvusError(`the collection ${name} is gone`, codes.collectionNotFound);
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

/** Another process that made the collection may have died before it had an index. */
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
  throw new RangeError(`space ${space.space}: ${space.dimension} numbers where ${actual} are expected`);
}

/** Spaces are of `a-z 0-9 . -`; names of collections of letters, digits and `_`. No two spaces have one name. */
export const collectionName = (prefix: string, space: string): string =>
  `${prefix}__${space.replace(/[.-]/g, (sign) => (sign === '.' ? '_p' : '_h'))}`;
