import { isDeepStrictEqual } from 'node:util';
import { eachOf } from '../../domain/each-of.ts';
import { AppError } from '../../errors.ts';
import type { WriteOptions } from '../../ports/records/outbox.ts';
import type { NewPerson, Person, PersonChanges } from '../../ports/records/persons.ts';
import type { CallOptions } from '../../ports/tenant.ts';
import { raiseOf } from './records-epoch.ts';
import { atOnce, type ImageDocument } from './records-images.ts';
import { abandonedMs, type Claim, type Claims, claimsIn } from './scylla/claims.ts';
import type { Bound } from './scylla/client.ts';
import type { Plan } from './scylla/document-change.ts';
import { put, walk } from './scylla/lists.ts';
import { outboxOf, type ScyllaStore } from './scylla/store.ts';
import { unlessAborted } from './scylla/turns.ts';

/** A person as it is stored. */
export interface PersonDocument extends Omit<Person, 'personId' | 'faceCount'> {
  /** Set while readers do not see the person yet: it is created with this image. See: [Note: Enrolment of a new person] */
  readonly provisional?: { readonly imageId: string; readonly at: number };
  /** Set once readers no longer see the person. See: [Note: Deleting a person] */
  readonly deletion?: Deletion;
}

/** A decided deletion. */
export interface Deletion {
  readonly faceCount: number;
  /** The creation of the person is taken back: the jobs stay, and the id may be used again. */
  readonly keepJobs: boolean;
  /** Writes to make when the person's row is deleted. */
  readonly effects: readonly Bound[];
}

/** The row of an erased person. It stays for ever. See: [Note: Erased is erased] */
interface ErasedPerson {
  /** Milliseconds since the epoch. */
  readonly erasedAt: number;
}
type PersonRow = PersonDocument | ErasedPerson;

const isErasedRow = (row: PersonRow | null): row is ErasedPerson => row !== null && 'erasedAt' in row;

/** The document of a person, and whether the person was erased or its erasure is decided. */
export async function personRowOf(
  { documents }: Pick<ScyllaStore, 'documents'>,
  tenant: string,
  personId: string,
): Promise<{ readonly person: PersonDocument | null; readonly isErased: boolean }> {
  const row = await documents.get<PersonRow>('persons', tenant, personId);
  if (isErasedRow(row)) return { person: null, isErased: true };
  return { person: row, isErased: row?.deletion?.keepJobs === false };
}

/** The ids of persons that were erased, or whose erasure is decided. */
export async function erasedPersons(
  store: ScyllaStore,
  tenant: string,
  personIds: readonly string[],
): Promise<string[]> {
  if (personIds.length > 1000) throw new RangeError('at most 1000 ids at once');
  const ids = [...new Set(personIds)];
  const erased = await eachOf(ids, atOnce, async (id) => (await personRowOf(store, tenant, id)).isErased);
  return ids.filter((_, index) => erased[index]);
}

/** PERSON_ERASED, or PERSON_NOT_FOUND for an id that no person had. */
export const absence = async (store: ScyllaStore, tenant: string, personId: string): Promise<AppError> =>
  new AppError((await personRowOf(store, tenant, personId)).isErased ? 'PERSON_ERASED' : 'PERSON_NOT_FOUND');

export const personDocument = async (
  store: Pick<ScyllaStore, 'documents'>,
  tenant: string,
  personId: string,
): Promise<PersonDocument | null> => (await personRowOf(store, tenant, personId)).person;

/** Changes the row of a person. The row of an erased person never changes. Errors: PERSON_ERASED. */
export const changePerson = <Result>(
  { documents }: Pick<ScyllaStore, 'documents'>,
  tenant: string,
  personId: string,
  decide: (current: PersonDocument | null) => Plan<PersonDocument, Result>,
  options?: CallOptions & { readonly absent?: boolean },
): Promise<Result> =>
  documents.change<PersonRow, Result>(
    'persons',
    tenant,
    personId,
    (current) => {
      if (isErasedRow(current)) throw new AppError('PERSON_ERASED');
      return decide(current);
    },
    options,
  );

/** Replaces the row of a person whose deletion is decided by a mark, or removes it if the creation is taken back. */
export const endPerson = (
  { documents, now }: ScyllaStore,
  tenant: string,
  personId: string,
  effects: (at: number) => readonly Bound[],
): Promise<void> =>
  documents.change<PersonRow, void>('persons', tenant, personId, (current) => {
    if (current === null || isErasedRow(current) || current.deletion === undefined)
      return { next: undefined, result: undefined };
    const at = now();
    const next = current.deletion.keepJobs ? null : { erasedAt: at };
    return { next, effects: [...current.deletion.effects, ...(next === null ? [] : effects(at))], result: undefined };
  });

/** Marks an id that no person has. Errors: `inUse()` if a person has it. */
export const markAbsentPerson = (
  { documents }: ScyllaStore,
  tenant: string,
  personId: string,
  { at, effects, inUse }: { readonly at: number; readonly effects: readonly Bound[]; readonly inUse: () => AppError },
): Promise<void> =>
  documents.change<PersonRow, void>('persons', tenant, personId, (current) => {
    if (isErasedRow(current)) return { next: undefined, result: undefined };
    if (current !== null) throw inUse();
    return { next: { erasedAt: at }, effects, result: undefined };
  });

export const claimsOfPersons = ({ scylla, now }: ScyllaStore): Claims =>
  claimsIn(scylla, 'persons_by_external_id', now);

/**
 * The person that readers see; null when it does not exist.
 *
 * [Note: Enrolment of a new person]
 * The enrolment of a new person changes two partitions: the person's and the image's. First the person is written as provisional for
 * one image; readers do not see it. Then the image is written with the person in `born`; this decides. Then the person is made visible.
 * A reader that finds a provisional person checks the image. If the image names the person, the reader makes the person visible. If not,
 * and the enrolment is older than a minute, the reader deletes the person, because the enrolment has failed.
 */
export async function livePerson(store: ScyllaStore, tenant: string, personId: string): Promise<PersonDocument | null> {
  const person = await personDocument(store, tenant, personId);
  if (person === null || person.deletion !== undefined) return null;
  const { provisional } = person;
  if (provisional === undefined) return person;
  const image = await store.documents.get<ImageDocument>('images', tenant, provisional.imageId);
  if (image?.born?.includes(personId)) return await makeVisible(store, tenant, personId, provisional.imageId);
  if (provisional.at + abandonedMs <= store.now())
    await removeProvisional(store, tenant, personId, provisional.imageId);
  return null;
}

/** See: [Note: Enrolment of a new person] */
export const makeVisible = (
  store: ScyllaStore,
  tenant: string,
  personId: string,
  imageId: string,
): Promise<PersonDocument | null> =>
  changePerson<PersonDocument | null>(store, tenant, personId, (current) => {
    if (current === null || current.deletion !== undefined) return { next: undefined, result: null };
    if (current.provisional?.imageId !== imageId) return { next: undefined, result: current };
    const { provisional: _, ...person } = current;
    return { next: person, effects: addPersonToLists(tenant, personId, person), result: person };
  }).catch(unlessErased);

/** An erased person is absent for a change that would do nothing without a person. */
function unlessErased(error: unknown): null {
  if (error instanceof AppError && error.code === 'PERSON_ERASED') return null;
  throw error;
}

/**
 * Deletes a provisional person, unless its image names it: another call of the same enrolment may have been faster. An enrolment that
 * writes the image at the same time then finds its person missing, and fails. See: [Note: Undecided writes]
 */
export async function removeProvisional(
  store: ScyllaStore,
  tenant: string,
  personId: string,
  imageId: string,
): Promise<void> {
  await store.documents.settle('images', tenant, imageId);
  const image = await store.documents.get<ImageDocument>('images', tenant, imageId);
  if (image?.born?.includes(personId)) {
    await makeVisible(store, tenant, personId, imageId);
    return;
  }
  const externalId = await changePerson<string | null>(store, tenant, personId, (current) =>
    current?.provisional?.imageId === imageId
      ? { next: null, result: current.externalId }
      : { next: undefined, result: null },
  ).catch(unlessErased);
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
 * The person with its face count. A deletion may start while the faces are counted. So the person is read again afterwards, and
 * callers never see the count of a half deletion.
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

export const addPersonToLists = (tenant: string, personId: string, { createdAt }: Pick<Person, 'createdAt'>): Bound[] =>
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
  const existing = await unlessAborted(livePerson(store, tenant, personId), options?.signal);
  if (existing !== null) throw new AppError('PERSON_EXISTS');
  // Check before the external id is claimed.
  if ((await personRowOf(store, tenant, personId)).isErased) throw new AppError('PERSON_ERASED');
  return withExternalId(
    store,
    tenant,
    person.externalId,
    personId,
    () =>
      changePerson<Person>(
        store,
        tenant,
        personId,
        (current) => {
          if (current?.deletion?.keepJobs === false) throw new AppError('PERSON_ERASED');
          if (current !== null) throw new AppError('PERSON_EXISTS');
          const next = newPersonDocument(person, store.now());
          return {
            next,
            effects: [...addPersonToLists(tenant, personId, next), ...outboxOf(options)],
            result: toPerson(personId, next, 0),
          };
        },
        options,
      ),
    options?.signal,
  );
}

/** Attempts, and the pause between them, while another call claims the same external id. */
const claimTries = 20;
const claimPauseMs = 100;

/**
 * Claims the external id for the person, then runs `work`. When `work` fails, an id that was free before is free again. An abort rejects
 * at once; `work` must check the same signal until its change is decided. Errors: EXTERNAL_ID_TAKEN; BUSY while another call has claimed
 * the id and its person does not have it yet, or never got it because the call was interrupted.
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
    // After STORE_UNAVAILABLE the outcome of the work is unknown. So the claim stays; if it is abandoned, another call takes it over.
    if (signal?.aborted && error === signal.reason) store.documents.inBackground(giveBack());
    else if (error instanceof AppError && error.code !== 'STORE_UNAVAILABLE') await giveBack();
    throw error;
  }
}

/** Claims the external id for the person. Errors: as `withExternalId`. */
async function claimed(store: ScyllaStore, tenant: string, externalId: string, personId: string): Promise<Claim> {
  const claims = claimsOfPersons(store);
  const keeps = async (holder: string) => {
    await livePerson(store, tenant, holder);
    return (await personDocument(store, tenant, holder))?.externalId === externalId;
  };
  for (let tries = 0; tries < claimTries; tries++) {
    const claim = await claims.claim(tenant, externalId, personId, keeps);
    if (claim.held) return claim;
    if (await isTaken(store, tenant, { externalId, personId })) throw new AppError('EXTERNAL_ID_TAKEN');
    await new Promise((resolve) => setTimeout(resolve, claimPauseMs));
  }
  throw new AppError('BUSY', {
    message: 'Another request is assigning this external_id. Retry later.',
    retryAfter: 10,
  });
}

/** Whether another person has the external id. */
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
  if (seen === null) throw await absence(store, tenant, personId);
  if (options?.version !== undefined && options.version !== seen.version) throw new AppError('VERSION_CONFLICT');
  const wanted = given.externalId ?? null;
  const { before, after } = await withExternalId(
    store,
    tenant,
    wanted === seen.externalId ? null : wanted,
    personId,
    () =>
      changePerson<{ before: PersonDocument; after: PersonDocument }>(
        store,
        tenant,
        personId,
        (current) => {
          if (current?.deletion?.keepJobs === false) throw new AppError('PERSON_ERASED');
          if (current === null || current.deletion !== undefined || current.provisional !== undefined) {
            throw new AppError('PERSON_NOT_FOUND');
          }
          if (options?.version !== undefined && options.version !== current.version) {
            throw new AppError('VERSION_CONFLICT');
          }
          const changed: PersonDocument = { ...current, ...given };
          const outbox = outboxOf(options);
          if (isDeepStrictEqual(current, changed)) {
            // The events are written even when the person does not change.
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
