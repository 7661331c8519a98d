import type { Page, PageOptions } from '../../ports/pages.ts';
import type { Face, Image } from '../../ports/records/faces.ts';
import type { Identity, Person } from '../../ports/records/persons.ts';
import type { Usage } from '../../ports/records/usage.ts';
import { asTenant, type Tenant } from '../../ports/tenant.ts';
import type { PageTokens } from '../page-token.ts';
import type { Database, Value } from './database.ts';
import { type FaceRow, type ImageRow, type PersonRow, toFace, toIdentity, toImage, toPerson } from './records-rows.ts';

/** Most ids of a list, and most rows of a page. */
const most = 1000;

/**
 * [Note: Named indexes]
 * Without statistics, SQLite may choose the primary key, where only the tenant is given, instead of an index where two columns are
 * given. Then it reads all faces of the tenant. Statements with this risk name their index.
 */
const selectPerson = `SELECT persons.*, (SELECT coalesce(sum(most), 0) FROM
  (SELECT max(faces_of_space) AS most FROM
    (SELECT image_id, count(*) AS faces_of_space FROM faces INDEXED BY faces_by_person_image
     WHERE faces.tenant = persons.tenant AND faces.person_id = persons.person_id GROUP BY image_id, space)
   GROUP BY image_id)) AS face_count FROM persons`;

export const personRow = (database: Database, tenant: Tenant, personId: string): PersonRow | undefined =>
  database.get(`${selectPerson} WHERE tenant = ? AND person_id = ?`, [tenant, personId]);

export const personExists = (database: Database, tenant: Tenant, personId: string): boolean =>
  database.get('SELECT 1 FROM persons WHERE tenant = ? AND person_id = ?', [tenant, personId]) !== undefined;

export const faceRow = (database: Database, tenant: Tenant, faceId: string): FaceRow | undefined =>
  database.get('SELECT * FROM faces WHERE tenant = ? AND face_id = ?', [tenant, faceId]);

/** Faces of an image in other spaces that belong to a person. */
export const namedFacesOfOtherSpaces = (database: Database, tenant: Tenant, imageId: string, space: string): Face[] =>
  database
    .all<FaceRow>(
      'SELECT * FROM faces INDEXED BY faces_by_image WHERE tenant = ? AND image_id = ? AND space <> ? AND person_id IS NOT NULL',
      [tenant, imageId, space],
    )
    .map(toFace);

export const imageRow = (database: Database, tenant: Tenant, imageId: string): ImageRow | undefined =>
  database.get('SELECT * FROM images WHERE tenant = ? AND image_id = ?', [tenant, imageId]);

export const personsById = (database: Database, tenant: Tenant, ids: readonly string[]): Person[] =>
  database
    .all<PersonRow>(`${selectPerson} WHERE tenant = ? AND person_id IN (SELECT value FROM json_each(?))`, [
      tenant,
      idList(ids),
    ])
    .map(toPerson);

export const personsByExternalId = (database: Database, tenant: Tenant, ids: readonly string[]): Person[] =>
  database
    .all<PersonRow>(`${selectPerson} WHERE tenant = ? AND external_id IN (SELECT value FROM json_each(?))`, [
      tenant,
      idList(ids),
    ])
    .map(toPerson);

/** `column`: the column of the ids. */
export const identitiesBy = (
  database: Database,
  tenant: Tenant,
  column: 'person_id' | 'external_id',
  ids: readonly string[],
): Identity[] =>
  database
    .all<PersonRow>(
      `SELECT person_id, external_id, name, consent FROM persons WHERE tenant = ? AND ${column} IN (SELECT value FROM json_each(?))`,
      [tenant, idList(ids)],
    )
    .map(toIdentity);

export const facesById = (database: Database, tenant: Tenant, ids: readonly string[]): Face[] =>
  database
    .all<FaceRow>('SELECT * FROM faces WHERE tenant = ? AND face_id IN (SELECT value FROM json_each(?))', [
      tenant,
      idList(ids),
    ])
    .map(toFace);

export const listPersons = (database: Database, tokens: PageTokens, tenant: Tenant, options: PageOptions) =>
  page<PersonRow, Person>(database, tokens, options, {
    listing: JSON.stringify(['persons', tenant]),
    select: selectPerson,
    where: 'tenant = ?',
    values: [tenant],
    order: 'ASC',
    id: 'person_id',
    toItem: toPerson,
  });

export const listImages = (database: Database, tokens: PageTokens, tenant: Tenant, options: PageOptions) =>
  page<ImageRow, Image>(database, tokens, options, {
    listing: JSON.stringify(['images', tenant]),
    select: 'SELECT * FROM images',
    where: 'tenant = ?',
    values: [tenant],
    order: 'ASC',
    id: 'image_id',
    toItem: toImage,
  });

export const listFaces = (
  database: Database,
  tokens: PageTokens,
  tenant: Tenant,
  { personId, imageId }: { personId?: string; imageId?: string },
  options: PageOptions,
) =>
  page<FaceRow, Face>(database, tokens, options, {
    listing: JSON.stringify(['faces', tenant, personId ?? null, imageId ?? null]),
    select: 'SELECT * FROM faces',
    where: `tenant = ?${personId === undefined ? '' : ' AND person_id = ?'}${imageId === undefined ? '' : ' AND image_id = ?'}`,
    values: [tenant, ...(personId === undefined ? [] : [personId]), ...(imageId === undefined ? [] : [imageId])],
    order: 'DESC',
    id: 'face_id',
    toItem: toFace,
  });

/** True if no tenant has an image. */
export const isWithoutImages = (database: Database): boolean =>
  database.get('SELECT 1 FROM images LIMIT 1') === undefined;

/** When the tables were created, in milliseconds since the epoch. */
export const madeAt = (database: Database): number =>
  database.get<{ at: number }>('SELECT min(applied_at) AS at FROM schema_migrations')!.at;

/** See migrations/embedded/008-usage.sql. */
export function usage(database: Database, tenant: Tenant): Usage {
  const row = database.get<Usage>('SELECT persons, faces, bytes FROM usage WHERE tenant = ?', [tenant]);
  return { persons: row?.persons ?? 0, faces: row?.faces ?? 0, bytes: row?.bytes ?? 0 };
}

/** They are adjacent in the index by person: 100,000 are counted in some milliseconds. */
export const countUnknownFaces = (database: Database, tenant: Tenant): number =>
  database.get<{ count: number }>('SELECT count(*) AS count FROM faces WHERE tenant = ? AND person_id IS NULL', [
    tenant,
  ])!.count;

/** Tenants that have rows. Jumps from tenant to tenant in each index. */
export function tenants(database: Database): Tenant[] {
  const found = new Set<string>();
  for (const table of ['persons', 'images', 'jobs']) {
    const rows = database.all<{ tenant: string }>(
      `WITH RECURSIVE each (tenant) AS (
         SELECT min(tenant) FROM ${table}
         UNION ALL
         SELECT (SELECT min(tenant) FROM ${table} WHERE tenant > each.tenant) FROM each WHERE each.tenant IS NOT NULL
       ) SELECT tenant FROM each WHERE tenant IS NOT NULL`,
    );
    for (const row of rows) found.add(row.tenant);
  }
  return [...found].sort().map(asTenant);
}

export interface Listing<Row, Item> {
  readonly listing: string;
  readonly select: string;
  readonly where: string;
  readonly values: readonly Value[];
  readonly order: 'ASC' | 'DESC';
  /** Column of an integer that never changes. Default `created_at`. */
  readonly by?: (keyof Row & string) | undefined;
  readonly id: keyof Row & string;
  readonly toItem: (row: Row) => Item;
}

/**
 * One page. It starts after the last row of the previous page, even if that row was deleted. The values of the order and the id never
 * change, so rows that are added or deleted between two pages cause no gap and no repeat.
 */
export function page<Row extends object, Item>(
  database: Database,
  tokens: PageTokens,
  { limit, after }: PageOptions,
  { listing, select, where, values, order, by = 'created_at' as keyof Row & string, id, toItem }: Listing<Row, Item>,
): Page<Item> {
  if (!Number.isInteger(limit) || limit < 1 || limit > most) throw new RangeError(`limit must be 1 to ${most}`);
  const position = after === undefined ? undefined : tokens.read(listing, after);
  const beyond = position === undefined ? '' : ` AND (${by}, ${id}) ${order === 'ASC' ? '>' : '<'} (?, ?)`;
  const rows = database.all<Row>(`${select} WHERE ${where}${beyond} ORDER BY ${by} ${order}, ${id} ${order} LIMIT ?`, [
    ...values,
    ...(position ?? []),
    limit + 1,
  ]);
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next =
    rows.length > limit && last !== undefined ? tokens.write(listing, [Number(last[by]), String(last[id])]) : null;
  return { items: shown.map(toItem), next };
}

function idList(ids: readonly string[]): string {
  if (ids.length > most) throw new RangeError(`at most ${most} ids at once`);
  return JSON.stringify(ids);
}
