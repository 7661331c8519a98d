import type { Tenant } from '../../../ports/tenant.ts';
import type { VectorEntry, VectorSpace } from '../../../ports/vectors.ts';
import { literal, ofTenant } from './filter.ts';
import { type Gallery, queryRows } from './gallery.ts';
import { entryFields, entryOf } from './template-rows.ts';

/** One request names at most this many ids. */
export const idsPerRequest = 1000;

/** The entries of these faces, in no particular order. Unknown ids are skipped. */
export async function readEntries(
  gallery: Gallery,
  tenant: Tenant,
  space: VectorSpace,
  faceIds: readonly string[],
): Promise<VectorEntry[]> {
  const name = await gallery.collections.find(space);
  if (name === null) return [];
  const wanted = [...new Set(faceIds)];
  const entries: VectorEntry[] = [];
  for (let from = 0; from < wanted.length; from += idsPerRequest) {
    const filter = ofTenant(tenant, wanted.slice(from, from + idsPerRequest));
    entries.push(...(await queryRows(gallery, name, filter, entryFields, idsPerRequest)).map(entryOf));
  }
  return entries;
}

interface ListingOptions {
  /** Ids per request. */
  readonly pageSize: number;
  readonly signal: AbortSignal | undefined;
  /** Runs one request within the limits of the port's calls. */
  readonly run: <Value>(request: () => Promise<Value>) => Promise<Value>;
}

/** Every face id of a tenant in all spaces, each once. */
export async function* listFaceIds(
  gallery: Gallery,
  tenant: Tenant,
  { pageSize, signal, run }: ListingOptions,
): AsyncGenerator<string> {
  const names = await run(() => gallery.collections.all());
  const seen = new Set<string>();
  for (const name of names) {
    const rows = idRanges(async (range) => {
      const filter = `${ofTenant(tenant)}${range}`;
      return await run(() => queryRows(gallery, name, filter, ['id', 'face_id'], pageSize));
    }, pageSize);
    for await (const { face_id } of rows) {
      signal?.throwIfAborted();
      if (names.length > 1) {
        if (seen.has(face_id)) continue;
        seen.add(face_id);
      }
      yield face_id;
    }
  }
}

/**
 * All rows of a query. One query returns at most `most` rows in no order, so the next page cannot start after the last row. A range
 * of ids that returns a full page is cut in two at the middle id of that page.
 */
async function* idRanges<Found extends { readonly id: string }>(
  read: (range: string) => Promise<Found[]>,
  most: number,
  above?: string,
  upTo?: string,
): AsyncGenerator<Found> {
  const found = await read(
    (above === undefined ? '' : ` and id > ${literal(above)}`) +
      (upTo === undefined ? '' : ` and id <= ${literal(upTo)}`),
  );
  if (found.length < most) {
    yield* found;
    return;
  }
  const middle = found.map(({ id }) => id).toSorted()[Math.floor((found.length - 1) / 2)]!;
  yield* idRanges(read, most, above, middle);
  yield* idRanges(read, most, middle, upTo);
}
