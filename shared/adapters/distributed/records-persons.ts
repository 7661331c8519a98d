import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../errors.ts';
import type { WriteOptions } from '../../ports/records/outbox.ts';
import type { NewPerson, Person, PersonChanges } from '../../ports/records/persons.ts';
import { raiseOf } from './records-epoch.ts';
import type { ImageDocument } from './records-images.ts';
import { abandonedMs, type Claim, type Claims, claimsIn } from './scylla/claims.ts';
import type { Bound } from './scylla/client.ts';
import { unlessAborted } from './scylla/documents.ts';
import { put, walk } from './scylla/lists.ts';
import { outboxOf, type ScyllaStore } from './scylla/store.ts';

/** A person as it is stored. */
export interface PersonDocument extends Omit<Person, 'personId' | 'faceCount'> {
  /** Nobody sees it yet: it comes to be with this image. See: [Note: Somebody new] */
  readonly provisional?: { readonly imageId: string; readonly at: number };
  /** Nobody sees it any more. See: [Note: Deleting a person] */
  readonly deletion?: Deletion;
}

export interface Deletion {
  readonly faceCount: number;
  readonly keepJobs: boolean;
  readonly effects: readonly Bound[];
}

export const claimsOfPersons = ({ scylla, now }: ScyllaStore): Claims =>
  claimsIn(scylla, 'persons_by_external_id', now);

/**
 * The person that readers see; null: there is none.
 *
 * [Note: Somebody new]
 * An enrolment of somebody new changes two partitions, the person's and the image's. The person is written first, for one image, and
 * nobody sees it; the image's change names the person among the `born`, and that decides. Then the person is made visible. Who meets
 * a person that is not visible yet looks at the image: if it names the person, the rest is done here and now; if it does not and
 * the enrolment is older than a minute, the person is removed, since the enrolment will not come about.
 */
export async function livePerson(store: ScyllaStore, tenant: string, personId: string): Promise<PersonDocument | null> {
  const person = await store.documents.get<PersonDocument>('persons', tenant, personId);
  if (person === null || person.deletion !== undefined) return null;
  const { provisional } = person;
  if (provisional === undefined) return person;
  const image = await store.documents.get<ImageDocument>('images', tenant, provisional.imageId);
  if (image?.born?.includes(personId)) return await makeVisible(store, tenant, personId, provisional.imageId);
  if (provisional.at + abandonedMs <= store.now())
    await removeProvisional(store, tenant, personId, provisional.imageId);
  return null;
}

/** See: [Note: Somebody new] */
export const makeVisible = (
  { documents }: ScyllaStore,
  tenant: string,
  personId: string,
  imageId: string,
): Promise<PersonDocument | null> =>
  documents.change<PersonDocument, PersonDocument | null>('persons', tenant, personId, (current) => {
    if (current === null || current.deletion !== undefined) return { next: undefined, result: null };
    if (current.provisional?.imageId !== imageId) return { next: undefined, result: current };
    const { provisional: _, ...person } = current;
    return { next: person, effects: inListOfPersons(tenant, personId, person), result: person };
  });

/**
 * Takes back a person that was written for an image, unless the image names it: another call of the same enrolment may have been
 * faster. One that comes about at this very moment finds its person gone, and fails.
 */
export async function removeProvisional(
  store: ScyllaStore,
  tenant: string,
  personId: string,
  imageId: string,
): Promise<void> {
  const image = await store.documents.get<ImageDocument>('images', tenant, imageId);
  if (image?.born?.includes(personId)) {
    await makeVisible(store, tenant, personId, imageId);
    return;
  }
  const externalId = await store.documents.change<PersonDocument, string | null>(
    'persons',
    tenant,
    personId,
    (current) =>
      current?.provisional?.imageId === imageId
        ? { next: null, result: current.externalId }
        : { next: undefined, result: null },
  );
  if (externalId !== null) await claimsOfPersons(store).release(tenant, externalId, personId);
}

/** See `Person.faceCount`. */
export async function faceCountOf({ scylla }: ScyllaStore, tenant: string, personId: string): Promise<number> {
  const images = new Map<string, Map<string, number>>();
  for await (const { data } of walk(scylla, 'faces_by_person', tenant, { order: 'up', step: 2000 }, personId)) {
    const [image, space] = JSON.parse(data) as [string, string];
    const spaces = images.get(image) ?? new Map<string, number>();
    images.set(image, spaces.set(space, (spaces.get(space) ?? 0) + 1));
  }
  let count = 0;
  for (const spaces of images.values()) count += Math.max(...spaces.values());
  return count;
}

/**
 * The person with what is counted. A deletion may begin while faces are counted, and remove some: the person is looked at again
 * afterwards, so that nobody sees half of it.
 */
export async function wholePerson(
  store: ScyllaStore,
  tenant: string,
  personId: string,
  known?: PersonDocument,
): Promise<Person | null> {
  const before = known ?? (await livePerson(store, tenant, personId));
  if (before === null) return null;
  const faceCount = await faceCountOf(store, tenant, personId);
  const person = faceCount === 0 && known === undefined ? before : await livePerson(store, tenant, personId);
  return person === null ? null : toPerson(personId, person, faceCount);
}

export const toPerson = (personId: string, document: PersonDocument, faceCount: number): Person => {
  const { externalId, name, metadata, consent, createdAt, updatedAt, version } = document;
  return { personId, externalId, name, metadata, consent, faceCount, createdAt, updatedAt, version };
};

export const inListOfPersons = (tenant: string, personId: string, { createdAt }: Pick<Person, 'createdAt'>): Bound[] =>
  put('persons_by_tenant', tenant, { at: createdAt, id: personId });

export const newPersonDocument = (person: NewPerson, now: number): PersonDocument => {
  const { externalId, name, metadata, consent } = person;
  return { externalId, name, metadata, consent, createdAt: now, updatedAt: now, version: 1 };
};

/** See `Records.createPerson`. */
export async function createPerson(
  store: ScyllaStore,
  tenant: string,
  person: NewPerson,
  options?: WriteOptions,
): Promise<Person> {
  const { personId } = person;
  const there = await unlessAborted(livePerson(store, tenant, personId), options?.signal);
  if (there !== null) throw new AppError('PERSON_EXISTS');
  return withExternalId(
    store,
    tenant,
    person.externalId,
    personId,
    () =>
      store.documents.change<PersonDocument, Person>(
        'persons',
        tenant,
        personId,
        (current) => {
          if (current !== null) throw new AppError('PERSON_EXISTS');
          const next = newPersonDocument(person, store.now());
          return {
            next,
            effects: [...inListOfPersons(tenant, personId, next), ...outboxOf(options)],
            result: toPerson(personId, next, 0),
          };
        },
        options,
      ),
    options?.signal,
  );
}

/** Of somebody who is just being given an external id, it is asked again so often and so long after. */
const claimTries = 20;
const claimPauseMs = 100;

/**
 * Does `work` while the external id is the person's. When it fails, an id that was free before is free again. Whoever gives up by the
 * signal is let go at once; it is for work that heeds the same one until it is decided. Errors: EXTERNAL_ID_TAKEN; BUSY while the id is
 * claimed for somebody whom nobody knows by it, yet, or since that was cut off.
 */
export async function withExternalId<Result>(
  store: ScyllaStore,
  tenant: string,
  externalId: string | null,
  personId: string,
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  if (externalId === null) return await work();
  signal?.throwIfAborted();
  const claiming = claimed(store, tenant, externalId, personId);
  const giveBack = async () => {
    const claim = await claiming;
    if (claim.fresh) await claimsOfPersons(store).giveBack(tenant, externalId, personId, claim);
  };
  try {
    await unlessAborted(claiming, signal);
    return await work();
  } catch (error) {
    // Not when it is unknown whether the work was done: then it is the claim's owner, or the claim is taken over later.
    if (signal?.aborted && error === signal.reason) store.documents.leave(giveBack());
    else if (error instanceof AppError && error.code !== 'STORE_UNAVAILABLE') await giveBack();
    throw error;
  }
}

/** The person's claim of the external id. Errors: as withExternalId. */
async function claimed(store: ScyllaStore, tenant: string, externalId: string, personId: string): Promise<Claim> {
  const claims = claimsOfPersons(store);
  const keeps = async (holder: string) => {
    await livePerson(store, tenant, holder);
    return (await store.documents.get<PersonDocument>('persons', tenant, holder))?.externalId === externalId;
  };
  for (let tries = 0; tries < claimTries; tries++) {
    const claim = await claims.claim(tenant, externalId, personId, keeps);
    if (claim.held) return claim;
    if (await isTaken(store, tenant, { externalId, personId })) throw new AppError('EXTERNAL_ID_TAKEN');
    await new Promise((resolve) => setTimeout(resolve, claimPauseMs));
  }
  throw new AppError('BUSY', { message: 'Somebody else is just being given this external_id.', retryAfter: 10 });
}

/** Whether somebody else is known by the external id. */
export async function isTaken(
  store: ScyllaStore,
  tenant: string,
  { externalId, personId }: Pick<NewPerson, 'externalId' | 'personId'>,
): Promise<boolean> {
  if (externalId === null) return false;
  const holder = await claimsOfPersons(store).holder(tenant, externalId);
  if (holder === null || holder === personId) return false;
  return (await livePerson(store, tenant, holder))?.externalId === externalId;
}

/** See `Records.updatePerson`. */
export async function updatePerson(
  store: ScyllaStore,
  tenant: string,
  personId: string,
  changes: PersonChanges,
  options: (WriteOptions & { version?: number | undefined }) | undefined,
): Promise<Person> {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as PersonChanges;
  const seen = await unlessAborted(livePerson(store, tenant, personId), options?.signal);
  if (seen === null) throw new AppError('PERSON_NOT_FOUND');
  if (options?.version !== undefined && options.version !== seen.version) throw new AppError('VERSION_CONFLICT');
  const wanted = given.externalId ?? null;
  const { before, after } = await withExternalId(
    store,
    tenant,
    wanted === seen.externalId ? null : wanted,
    personId,
    () =>
      store.documents.change<PersonDocument, { before: PersonDocument; after: PersonDocument }>(
        'persons',
        tenant,
        personId,
        (current) => {
          if (current === null || current.deletion !== undefined || current.provisional !== undefined) {
            throw new AppError('PERSON_NOT_FOUND');
          }
          if (options?.version !== undefined && options.version !== current.version) {
            throw new AppError('VERSION_CONFLICT');
          }
          const changed: PersonDocument = { ...current, ...given };
          const outbox = outboxOf(options);
          if (isDeepStrictEqual(current, changed)) {
            // Its events go out all the same.
            return outbox.length === 0
              ? { next: undefined, result: { before: current, after: current } }
              : { next: current, effects: outbox, result: { before: current, after: current } };
          }
          const next = {
            ...changed,
            updatedAt: Math.max(store.now(), current.updatedAt),
            version: current.version + 1,
          };
          return { next, effects: [raiseOf(tenant, store.now()), ...outbox], result: { before: current, after: next } };
        },
        options,
      ),
    options?.signal,
  );
  if (before.externalId !== null && before.externalId !== after.externalId) {
    await claimsOfPersons(store).release(tenant, before.externalId, personId);
  }
  return toPerson(personId, after, await faceCountOf(store, tenant, personId));
}
