import type { FieldType, MilvusClient } from '@zilliz/milvus2-sdk-node';
import templates from '../../../../migrations/milvus/001-templates.json' with { type: 'json' };
import type { VectorSpace } from '../../../ports/vectors.ts';
import { checked, codes, load, MilvusError, type MilvusSettings, requestMs } from './client.ts';
import { indexParams } from './vector-index.ts';

const { fields } = templates;
const timeout = requestMs;
const retries = { count: 2 };
/** A collection that takes longer is loaded in the background; whoever calls then tries again. */
const loadMs = 30_000;

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
  const { collectionPrefix, index, expectedFaces } = settings;
  const dimensions = new Map<string, number>();
  const opening = new Map<string, Promise<string>>();
  const loading = new Map<string, Promise<void>>();
  /** Collections that were seen with an index. */
  const indexed = new Set<string>();
  const gone = new Set<string>();
  const closing = new AbortController();

  const dimensionOf = async (name: string): Promise<number | null> => {
    const known = dimensions.get(name);
    if (known !== undefined) return known;
    const { value } = checked(
      'looking for a collection',
      await client.hasCollection({ collection_name: name, timeout }),
    );
    if (!value) return null;
    const description = checked(
      'describing a collection',
      await client.describeCollection({ collection_name: name, timeout, cache: false } as never),
    );
    const field = description.schema.fields.find((each) => each.name === 'embedding');
    const dimension = Number(field?.type_params.find(({ key }) => key === 'dim')?.value ?? field?.dim);
    if (!Number.isInteger(dimension)) throw new MilvusError(`the collection ${name} is none of ours`, -1);
    dimensions.set(name, dimension);
    return dimension;
  };

  const make = async (name: string, dimension: number): Promise<void> => {
    const created = await client.createCollection({
      collection_name: name,
      fields: fieldsOf(dimension),
      consistency_level: 'Bounded',
      timeout,
    });
    // Another process may have been faster; which dimension holds is looked up afterwards.
    if (created.error_code !== 'Success' && !/exist/i.test(created.reason)) checked('making a collection', created);
    await makeIndex(name);
  };

  const makeIndex = async (name: string): Promise<void> => {
    const { index_type, metric_type, params } = indexParams(index, expectedFaces);
    checked(
      'making an index',
      await client.createIndex({
        collection_name: name,
        field_name: 'embedding',
        index_name: 'embedding',
        index_type,
        metric_type,
        params: { ...params },
        timeout,
      }),
    );
    await loadOnce(name);
    indexed.add(name);
  };

  /** Another process that made the collection may have died before it had an index. */
  const finish = async (name: string): Promise<void> => {
    if (indexed.has(name)) return;
    const answer = await client.describeIndex({ collection_name: name, field_name: 'embedding', timeout });
    if (answer.status.code === codes.indexNotFound) return await makeIndex(name);
    checked('looking for an index', answer);
    indexed.add(name);
  };

  /** One wait for all who want the same collection; whoever goes away leaves it to the others. */
  const loadOnce = (name: string): Promise<void> => {
    const pending = loading.get(name) ?? load(client, name, { withinMs: loadMs, signal: closing.signal });
    loading.set(name, pending);
    const done = () => void (loading.get(name) === pending && loading.delete(name));
    pending.then(done, done);
    return pending;
  };

  const requireDimension = (space: VectorSpace, actual: number): void => {
    if (actual === space.dimension) return;
    throw new RangeError(`space ${space.space}: ${space.dimension} numbers where ${actual} are expected`);
  };

  return {
    async open(space) {
      const name = collectionName(collectionPrefix, space.space);
      let pending = opening.get(name);
      if (pending === undefined) {
        pending = dimensionOf(name).then(async (dimension) => {
          if (dimension === null) await make(name, space.dimension);
          else await finish(name);
          return name;
        });
        opening.set(name, pending);
        const done = () => void opening.delete(name);
        pending.then(done, done);
      }
      await pending;
      requireDimension(space, (await dimensionOf(name)) ?? space.dimension);
      return name;
    },
    dimensionOf,
    make,
    async find(space) {
      const name = collectionName(collectionPrefix, space.space);
      const dimension = await dimensionOf(name);
      if (dimension === null && gone.has(name)) {
        throw new MilvusError(`the collection ${name} is gone`, codes.collectionNotFound);
      }
      if (dimension === null) return null;
      requireDimension(space, dimension);
      return name;
    },
    async all() {
      const { data } = checked('listing collections', await client.showCollections({ timeout }));
      return data.map(({ name }) => name).filter((name) => name.startsWith(`${collectionPrefix}__`));
    },
    async loaded(name, work) {
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
          await loadOnce(name);
        }
      }
    },
    close: () => closing.abort(),
  };
}

/** Spaces are of `a-z 0-9 . -`; names of collections of letters, digits and `_`. No two spaces have one name. */
export const collectionName = (prefix: string, space: string): string =>
  `${prefix}__${space.replace(/[.-]/g, (sign) => (sign === '.' ? '_p' : '_h'))}`;

/** As the first migration has them. */
const fieldsOf = (dimension: number): FieldType[] =>
  fields.map((field) => (field.name === 'embedding' ? { ...field, dim: dimension } : field) as FieldType);
