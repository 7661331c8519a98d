import type { FieldType, MilvusClient } from '@zilliz/milvus2-sdk-node';
import templates from '../../../../migrations/milvus/001-templates.json' with { type: 'json' };
import { checked, codes, MilvusError, type MilvusSettings, requestMs } from './client.ts';
import { indexParams } from './vector-index.ts';

const { fields } = templates;
const timeout = requestMs;

/** Dimension of a collection; null when it does not exist. Errors: MilvusError when this platform did not create it. */
export async function readDimension(client: MilvusClient, name: string): Promise<number | null> {
  const { value } = checked('looking up a collection', await client.hasCollection({ collection_name: name, timeout }));
  if (!value) return null;
  const description = checked(
    'describing a collection',
    await client.describeCollection({ collection_name: name, timeout, cache: false } as never),
  );
  const field = description.schema.fields.find((each) => each.name === 'embedding');
  const dimension = Number(field?.type_params.find(({ key }) => key === 'dim')?.value ?? field?.dim);
  if (!Number.isInteger(dimension))
    throw new MilvusError(`the collection ${name} has no field embedding, so this platform did not create it`, -1);
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
  // Another process may have created it first. The caller reads the dimension afterwards.
  if (created.error_code !== 'Success' && !/exist/i.test(created.reason)) checked('creating a collection', created);
}

/** The fields that the first migration defines. */
const fieldsOf = (dimension: number): FieldType[] =>
  fields.map((field) => (field.name === 'embedding' ? { ...field, dim: dimension } : field) as FieldType);

/** Creates the index of the embeddings. */
export async function createIndex(
  client: MilvusClient,
  { index, expectedFaces }: MilvusSettings,
  name: string,
): Promise<void> {
  const { index_type, metric_type, params } = indexParams(index, expectedFaces);
  checked(
    'creating an index',
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

/** Whether the embeddings have an index. */
export async function hasIndex(client: MilvusClient, name: string): Promise<boolean> {
  const answer = await client.describeIndex({ collection_name: name, field_name: 'embedding', timeout });
  if (answer.status.code === codes.indexNotFound) return false;
  checked('reading an index', answer);
  return true;
}
