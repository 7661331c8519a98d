import { eachOf } from '../../domain/each-of.ts';
import type { Page, PageOptions } from '../../ports/pages.ts';
import type { Face, Image } from '../../ports/records/faces.ts';
import type { Identity, Person } from '../../ports/records/persons.ts';
import type { Usage } from '../../ports/records/usage.ts';
import type { Records } from '../../ports/records.ts';
import { asTenant, type Tenant } from '../../ports/tenant.ts';
import { atOnce, faceLoader, facesAt, facesOn, type ImageDocument, placesOf, toImage } from './records-images.ts';
import { claimsOfPersons, livePerson, wholePerson } from './records-persons.ts';
import { checkLimit, countOf, hasEntries, pageOf, type StoredEntry, walk } from './scylla/lists.ts';
import { type ScyllaStore, tenantsSeen } from './scylla/store.ts';

/** Largest number of ids in one call. */
const most = 1000;

const isPresent = <Value>(value: Value | null): value is Value => value !== null;

export async function personsById(store: ScyllaStore, tenant: string, ids: readonly string[]): Promise<Person[]> {
  checkIds(ids);
  return (await eachOf([...new Set(ids)], atOnce, (id) => wholePerson(store, tenant, id))).filter(isPresent);
}

export async function personsByExternalId(
  store: ScyllaStore,
  tenant: string,
  externalIds: readonly string[],
): Promise<Person[]> {
  checkIds(externalIds);
  const claims = claimsOfPersons(store);
  const found = await eachOf([...new Set(externalIds)], atOnce, async (externalId) => {
    const holder = await claims.holder(tenant, externalId);
    const person = holder === null ? null : await wholePerson(store, tenant, holder);
    // The claim is valid only if the person has this external id. See: [Note: Claims]
    return person?.externalId === externalId ? person : null;
  });
  return found.filter(isPresent);
}

/** See `Records.getIdentities`. */
export async function identitiesOf(
  store: ScyllaStore,
  tenant: string,
  of: Parameters<Records['getIdentities']>[1],
): Promise<Identity[]> {
  const ids = [...new Set('personIds' in of ? of.personIds : of.externalIds)];
  checkIds(ids);
  const claims = claimsOfPersons(store);
  const found = await eachOf(ids, atOnce, async (id): Promise<Identity | null> => {
    const personId = 'personIds' in of ? id : await claims.holder(tenant, id);
    const person = personId === null ? null : await livePerson(store, tenant, personId);
    // The claim is valid only if the person has this external id. See: [Note: Claims]
    if (personId === null || person === null || ('externalIds' in of && person.externalId !== id)) return null;
    const { externalId, name, consent } = person;
    return { personId, externalId, name, consent };
  });
  return found.filter(isPresent);
}

export async function listPersons(store: ScyllaStore, tenant: string, options: PageOptions): Promise<Page<Person>> {
  const listing = JSON.stringify(['persons', tenant]);
  return await pageOf(store.scylla, await store.tokens(), listing, 'persons_by_tenant', tenant, {
    ...options,
    order: 'up',
    load: (entries) => eachOf(entries, atOnce, ({ id }) => wholePerson(store, tenant, id)),
  });
}

export async function facesById({ scylla }: ScyllaStore, tenant: string, ids: readonly string[]): Promise<Face[]> {
  checkIds(ids);
  return (await facesAt(scylla, tenant, await placesOf(scylla, tenant, [...new Set(ids)]))).filter(isPresent);
}

export async function listFaces(
  store: ScyllaStore,
  tenant: string,
  { personId, imageId }: { personId?: string; imageId?: string },
  options: PageOptions,
): Promise<Page<Face>> {
  const { scylla } = store;
  const tokens = await store.tokens();
  const listing = JSON.stringify(['faces', tenant, personId ?? null, imageId ?? null]);
  if (imageId === undefined) {
    const table = personId === undefined ? 'faces_by_tenant' : 'faces_by_person';
    const load = faceLoader(scylla, tenant);
    return await pageOf(scylla, tokens, listing, table, tenant, { ...options, scope: personId, order: 'down', load });
  }
  // One partition has all faces of an image, ordered by id.
  checkLimit(options.limit);
  const after = options.after === undefined ? undefined : tokens.read(listing, options.after);
  const faces = [...(await facesOn(scylla, tenant, imageId)).values()]
    .filter((face) => personId === undefined || face.personId === personId)
    .sort((a, b) => b.createdAt - a.createdAt || (a.faceId < b.faceId ? 1 : -1))
    .filter(
      ({ createdAt, faceId }) =>
        after === undefined || createdAt < after[0] || (createdAt === after[0] && faceId < after[1]),
    );
  const items = faces.slice(0, options.limit);
  const last = items.at(-1);
  return {
    items,
    next: faces.length > items.length ? tokens.write(listing, [last!.createdAt, last!.faceId]) : null,
  };
}

export async function getImage({ documents }: ScyllaStore, tenant: string, imageId: string): Promise<Image | null> {
  const document = await documents.get<ImageDocument>('images', tenant, imageId);
  return document === null ? null : toImage(imageId, document);
}

export async function listImages(store: ScyllaStore, tenant: string, options: PageOptions): Promise<Page<Image>> {
  const listing = JSON.stringify(['images', tenant]);
  return await pageOf(store.scylla, await store.tokens(), listing, 'images_by_tenant', tenant, {
    ...options,
    order: 'up',
    load: (entries) => eachOf(entries, atOnce, ({ id }) => getImage(store, tenant, id)),
  });
}

/** See `Records.imagesBefore`. */
export const imagesBefore = (store: ScyllaStore, tenant: string, before: number, limit: number): Promise<Image[]> =>
  oldest(store, 'unexpired_images_by_tenant', tenant, before, limit, (entries) =>
    eachOf(entries, atOnce, async ({ id }) => {
      const image = await getImage(store, tenant, id);
      return image === null || image.expiredAt !== null ? null : image;
    }),
  );

/** See `Records.unknownFacesBefore`. */
export const unknownFacesBefore = (
  store: ScyllaStore,
  tenant: string,
  before: number,
  limit: number,
): Promise<Face[]> =>
  oldest(store, 'unknown_faces_by_tenant', tenant, before, limit, async (entries) =>
    (await faceLoader(store.scylla, tenant)(entries)).map((face) => (face?.personId === null ? face : null)),
  );

async function oldest<Item>(
  { scylla }: ScyllaStore,
  table: 'unexpired_images_by_tenant' | 'unknown_faces_by_tenant',
  tenant: string,
  before: number,
  limit: number,
  load: (entries: readonly StoredEntry[]) => Promise<readonly (Item | null)[]>,
): Promise<Item[]> {
  checkLimit(limit);
  const items: Item[] = [];
  let waiting: StoredEntry[] = [];
  for await (const entry of walk(scylla, table, tenant, { order: 'up', to: before, step: limit })) {
    if (waiting.push(entry) < limit) continue;
    items.push(...(await load(waiting)).filter(isPresent));
    waiting = [];
    if (items.length >= limit) break;
  }
  items.push(...(await load(waiting)).filter(isPresent));
  return items.slice(0, limit);
}

/** See: [Note: Counting without counters] */
export async function usage({ scylla }: ScyllaStore, tenant: string): Promise<Usage> {
  const [persons, faces, images] = await Promise.all([
    countOf(scylla, 'persons_by_tenant', tenant),
    countOf(scylla, 'faces_by_tenant', tenant),
    countOf(scylla, 'images_by_tenant', tenant),
  ]);
  return { persons: persons.count, faces: faces.count, bytes: images.total };
}

/** See: [Note: Counting without counters] */
export const countUnknownFaces = async ({ scylla }: ScyllaStore, tenant: string): Promise<number> =>
  (await countOf(scylla, 'unknown_faces_by_tenant', tenant)).count;

/** Tenants that have rows. */
export async function tenants({ scylla }: ScyllaStore): Promise<Tenant[]> {
  const known = await tenantsSeen(scylla, 'records');
  const has = await eachOf(known, atOnce, async (tenant) => {
    for (const table of ['persons_by_tenant', 'images_by_tenant', 'jobs_by_tenant'] as const) {
      if (await hasEntries(scylla, table, tenant)) return true;
    }
    return false;
  });
  return known.filter((_, index) => has[index]).map(asTenant);
}

function checkIds(ids: readonly string[]): void {
  if (ids.length > most) throw new RangeError(`at most ${most} ids are allowed, not ${ids.length}`);
}
