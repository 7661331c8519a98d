import type { FieldType, MilvusClient } from '@zilliz/milvus2-sdk-node';
import templates from '../../../../migrations/milvus/001-templates.json' with { type: 'json' };
import { checked, codes, MilvusError, type MilvusSettings, requestMs } from './client.ts';
import { indexParams } from './vector-index.ts';

const { fields } = templates;
const timeout = requestMs;

/** Length of the embeddings of a collection; null if the collection does not exist. Errors: MilvusError if it is not one of ours. */
export async function readDimension(client: MilvusClient, name: string): Promise<number | null> {
  const { value } = checked('looking for a collection', await client.hasCollection({ collection_name: name, timeout }));
  if (!value) return null;
  const description = checked(
    'describing a collection',
    await client.describeCollection({ collection_name: name, timeout, cache: false } as never),
  );
  const field = description.schema.fields.find((each) => each.name === 'embedding');
  const dimension = Number(field?.type_params.find(({ key }) => key === 'dim')?.value ?? field?.dim);
  if (!Number.isInteger(dimension)) throw new MilvusError(`the collection ${name} is none of ours`, -1);
  return dimension;
}

/** Creates a collection without an index. */
export async function createCollection(client: MilvusClient, name: string, dimension: number): Promise<void> {
  const created = await client.createCollection({
    collection_name: name,
    fields: fieldsOf(dimension),
    consistency_level: 'Bounded',
    timeout,
  });
  // Another process may have been faster; which dimension holds is looked up afterwards.
  if (created.error_code !== 'Success' && !/exist/i.test(created.reason)) checked('making a collection', created);
}

/** As the first migration has them. */
const fieldsOf = (dimension: number): FieldType[] =>
  fields.map((field) => (field.name === 'embedding' ? { ...field, dim: dimension } : field) as FieldType);

export async function createIndex(
  client: MilvusClient,
  { index, expectedFaces }: MilvusSettings,
  name: string,
): Promise<void> {
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
}

export async function hasIndex(client: MilvusClient, name: string): Promise<boolean> {
  const answer = await client.describeIndex({ collection_name: name, field_name: 'embedding', timeout });
  if (answer.status.code === codes.indexNotFound) return false;
  checked('looking for an index', answer);
  return true;
}
