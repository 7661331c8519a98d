import { isInside } from '../../domain/globe.ts';
import { createPlaceCounter } from '../../domain/places.ts';
import type { Page } from '../../ports/pages.ts';
import type { AppearanceFilter, AppearanceSummary } from '../../ports/records/appearances.ts';
import type { Face } from '../../ports/records/faces.ts';
import type { Records } from '../../ports/records.ts';
import type { CallOptions, Tenant } from '../../ports/tenant.ts';
import type { PageTokens, Position } from '../page-token.ts';
import type { Database } from './database.ts';
import { facesById } from './records-reading.ts';

/** Index entries per statement: a few milliseconds each. */
const step = 1000;

type Order = 'oldest-first' | 'newest-first';
type AppearanceOptions = Parameters<Records['listAppearances']>[3];

/** See `Records.listAppearances`. */
export async function listAppearances(
  database: Database,
  tokens: PageTokens,
  tenant: Tenant,
  personId: string,
  filter: AppearanceFilter,
  { limit, after, order, signal }: AppearanceOptions,
): Promise<Page<Face>> {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw new RangeError('limit must be 1 to 1000');
  const listing = JSON.stringify(['appearances', tenant, personId, order, filter]);
  const start = after === undefined ? undefined : tokens.read(listing, after);
  const found: Sighting[] = [];
  const wanted = { tenant, personId, filter, order, start, first: filter.area === undefined ? limit + 1 : step };
  for await (const each of sightings(database, wanted, { signal })) if (found.push(each) > limit) break;
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const faces = new Map(
    facesById(
      database,
      tenant,
      shown.map(({ face_id }) => face_id),
    ).map((face) => [face.faceId, face]),
  );
  return {
    // A face that was deleted in the meantime is left out.
    items: shown.flatMap(({ face_id }) => faces.get(face_id) ?? []),
    next: found.length > limit && last !== undefined ? tokens.write(listing, [last.seen_at, last.face_id]) : null,
  };
}

/** See `Records.summarizeAppearances`. */
export async function summarizeAppearances(
  database: Database,
  tenant: Tenant,
  personId: string,
  filter: AppearanceFilter,
  options?: CallOptions,
): Promise<AppearanceSummary> {
  const counter = createPlaceCounter();
  let count = 0;
  let first: number | null = null;
  let last: number | null = null;
  const wanted = { tenant, personId, filter, order: 'oldest-first' as const, start: undefined, first: step };
  for await (const { seen_at: at, latitude: lat, longitude: lon } of sightings(database, wanted, options)) {
    count++;
    first ??= at;
    last = at;
    if (lat !== null && lon !== null) counter.add(at, { lat, lon });
  }
  return { count, first, last, cells: counter.cells() };
}

interface Sighting {
  seen_at: number;
  face_id: string;
  latitude: number | null;
  longitude: number | null;
}

interface Wanted {
  readonly tenant: Tenant;
  readonly personId: string;
  readonly filter: AppearanceFilter;
  readonly order: Order;
  /** Starts after this row. */
  readonly start: Position | undefined;
  /** Index entries of the first statement. */
  readonly first: number;
}

/** Rows that match, read from the index alone; other work of the process runs between two statements. */
async function* sightings(
  database: Database,
  { tenant, personId, filter: { from, to, area }, order, start, first }: Wanted,
  options?: CallOptions,
): AsyncIterable<Sighting> {
  const [beyond, direction] = order === 'oldest-first' ? ['>', 'ASC'] : ['<', 'DESC'];
  let position = start;
  let wanted = Math.min(first, step);
  for (;;) {
    const rows = database.all<Sighting>(
      `SELECT seen_at, face_id, latitude, longitude FROM faces WHERE tenant = ? AND person_id = ?
       ${from === undefined ? '' : 'AND seen_at >= ?'} ${to === undefined ? '' : 'AND seen_at < ?'}
       ${position === undefined ? '' : `AND (seen_at, face_id) ${beyond} (?, ?)`}
       ORDER BY seen_at ${direction}, face_id ${direction} LIMIT ?`,
      [
        tenant,
        personId,
        ...(from === undefined ? [] : [from]),
        ...(to === undefined ? [] : [to]),
        ...(position ?? []),
        wanted,
      ],
    );
    for (const row of rows) {
      const { latitude: lat, longitude: lon } = row;
      if (area === undefined || (lat !== null && lon !== null && isInside(area, { lat, lon }))) yield row;
    }
    const last = rows.at(-1);
    if (rows.length < wanted || last === undefined) return;
    wanted = step;
    position = [last.seen_at, last.face_id];
    await new Promise((resolve) => setImmediate(resolve));
    options?.signal?.throwIfAborted();
  }
}
