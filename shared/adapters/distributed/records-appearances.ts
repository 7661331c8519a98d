import { isInside } from '../../domain/globe.ts';
import { createPlaceCounter } from '../../domain/places.ts';
import type { Page } from '../../ports/pages.ts';
import type { AppearanceFilter, AppearanceSummary } from '../../ports/records/appearances.ts';
import type { Face } from '../../ports/records/faces.ts';
import type { Records } from '../../ports/records.ts';
import { faceLoader } from './records-images.ts';
import { pageOf, type StoredEntry, walk } from './scylla/lists.ts';
import type { ScyllaStore } from './scylla/store.ts';

/** Entries per request of a walk that reads all of them. */
const step = 2000;

/** See `Records.listAppearances`. */
export async function listAppearances(
  store: ScyllaStore,
  tenant: string,
  personId: string,
  { from, to, area }: AppearanceFilter,
  { order, ...options }: Parameters<Records['listAppearances']>[3],
): Promise<Page<Face>> {
  const listing = JSON.stringify(['appearances', tenant, personId, order, from ?? null, to ?? null, area ?? null]);
  const load = faceLoader(store.scylla, tenant);
  return await pageOf(store.scylla, await store.tokens(), listing, 'appearances_by_person', tenant, {
    ...options,
    scope: personId,
    order: order === 'oldest-first' ? 'up' : 'down',
    from,
    to,
    most: 50_000,
    async load(entries) {
      const isWanted = ({ data }: StoredEntry) => isIn(area, data);
      const wanted = entries.filter(isWanted);
      const loaded = await load(wanted);
      let next = 0;
      return entries.map((entry) => (isWanted(entry) ? loaded[next++]! : null));
    },
  });
}

/** See `Records.summarizeAppearances`. */
export async function summarizeAppearances(
  { scylla }: ScyllaStore,
  tenant: string,
  personId: string,
  { from, to, area }: AppearanceFilter,
  signal?: AbortSignal,
): Promise<AppearanceSummary> {
  const counter = createPlaceCounter();
  let count = 0;
  let first: number | null = null;
  let last: number | null = null;
  const wanted = { order: 'up', from, to, step } as const;
  for await (const { at, data } of walk(scylla, 'appearances_by_person', tenant, wanted, personId)) {
    signal?.throwIfAborted();
    if (!isIn(area, data)) continue;
    count++;
    first ??= at;
    last = at;
    const [, lat, lon] = placeIn(data);
    if (lat !== null && lon !== null) counter.add(at, { lat, lon });
  }
  return { count, first, last, cells: counter.cells() };
}

function isIn(area: AppearanceFilter['area'], data: string): boolean {
  if (area === undefined) return true;
  const [, lat, lon] = placeIn(data);
  return lat !== null && lon !== null && isInside(area, { lat, lon });
}

const placeIn = (data: string) => JSON.parse(data) as [imageId: string, lat: number | null, lon: number | null];
