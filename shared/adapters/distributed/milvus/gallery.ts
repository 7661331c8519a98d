import { ConsistencyLevelEnum, type MilvusClient } from '@zilliz/milvus2-sdk-node';
import { checked, type MilvusSettings, openMilvus, requestMs } from './client.ts';
import { type Collections, openCollections } from './collections.ts';
import type { TemplateRow } from './template-rows.ts';

/** One connection to Milvus and the collections of one prefix. */
export interface Gallery {
  readonly client: MilvusClient;
  readonly collections: Collections;
  readonly settings: MilvusSettings;
}

export function openGallery(settings: MilvusSettings): Gallery {
  const client = openMilvus(settings);
  return { client, collections: openCollections(client, settings), settings };
}

/** Reads at most `limit` rows that match the filter, in no particular order. Sees every write that has resolved. */
export async function queryRows(
  { client, collections }: Gallery,
  name: string,
  filter: string,
  output_fields: string[],
  limit: number,
): Promise<TemplateRow[]> {
  const answer = await collections.loaded(name, async () =>
    checked(
      'reading',
      await client.query({
        collection_name: name,
        filter,
        output_fields,
        limit,
        consistency_level: ConsistencyLevelEnum.Strong,
        timeout: requestMs,
      }),
    ),
  );
  return answer.data as TemplateRow[];
}
