import type { Tenant } from '../../../ports/tenant.ts';
import type { VectorSpace } from '../../../ports/vectors.ts';
import { checked, requestMs } from './client.ts';
import { literal, ofTenant } from './filter.ts';
import { type Gallery, queryRows } from './gallery.ts';
import { idsPerRequest } from './template-reading.ts';
import type { TemplateRow } from './template-rows.ts';

/** Milvus returns at most this many rows for one query. */
const mostRows = 16_384;

/** Inserts or replaces the rows. The signal stops the work before the request is sent. */
export async function writeRows(
  { client, collections }: Gallery,
  space: VectorSpace,
  rows: readonly TemplateRow[],
  signal: AbortSignal,
): Promise<void> {
  if (rows.length === 0) return;
  const name = await collections.open(space);
  await collections.loaded(name, async () => {
    signal.throwIfAborted();
    checked('writing', await client.upsert({ collection_name: name, data: rows as never, timeout: requestMs }));
  });
}

/** Deletes the faces from every collection. Resolves to the number of deleted rows. */
export async function removeFaces(
  gallery: Gallery,
  tenant: Tenant,
  faceIds: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  let removed = 0;
  for (const name of await gallery.collections.all()) {
    for (let from = 0; from < faceIds.length; from += idsPerRequest) {
      const filter = ofTenant(tenant, faceIds.slice(from, from + idsPerRequest));
      signal.throwIfAborted();
      const found = await queryRows(gallery, name, filter, ['id'], mostRows);
      if (found.length === 0) continue;
      await removeRows(
        gallery,
        name,
        found.map(({ id }) => id),
        signal,
      );
      removed += found.length;
    }
  }
  return removed;
}

async function removeRows(
  { client, collections }: Gallery,
  name: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await collections.loaded(name, async () => {
    const filter = `id in [${ids.map(literal).join(', ')}]`;
    signal.throwIfAborted();
    checked('removing', await client.delete({ collection_name: name, filter, timeout: requestMs }));
  });
}
