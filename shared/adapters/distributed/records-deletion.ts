import { eachOf } from '../../domain/each-of.ts';
import type { Face, Image } from '../../ports/records/faces.ts';
import type { Job } from '../../ports/records/jobs.ts';
import type { WriteOptions } from '../../ports/records/outbox.ts';
import type { Person } from '../../ports/records/persons.ts';
import { raiseOf } from './records-epoch.ts';
import { placesOf, removeFaces } from './records-images.ts';
import { deleteJobsOf } from './records-jobs.ts';
import { claimsOfPersons, type PersonDocument, toPerson, wholePerson } from './records-persons.ts';
import type { Bound } from './scylla/client.ts';
import { drop, type StoredEntry, walk } from './scylla/lists.ts';
import { outboxOf, type ScyllaStore } from './scylla/store.ts';
import { microseconds } from './scylla/write-time.ts';

export interface RemovedPerson {
  readonly person: Person;
  readonly faceIds: string[];
  readonly images: Image[];
  readonly jobs: Job[];
}

/** Images whose faces are deleted in parallel. */
const imagesAtOnce = 16;

/** See `Records.deleteFace`. */
export async function deleteFace(
  store: ScyllaStore,
  tenant: string,
  faceId: string,
  options?: WriteOptions,
): Promise<{ face: Face; image: Image | null } | null> {
  const [place] = await placesOf(store.scylla, tenant, [faceId]);
  if (place?.imageId == null) return null;
  const { faces, image } = await removeFaces(store, tenant, place.imageId, (face) => face.faceId === faceId, {
    outbox: options?.outbox,
    signal: options?.signal,
  });
  return faces[0] === undefined ? null : { face: faces[0], image };
}

/**
 * See `Records.deletePerson`.
 *
 * [Note: Deleting a person]
 * The person's row decides. Once the row has `deletion`, no reader sees the person or counts its faces, and no enrolment can name
 * it. Then its faces are deleted image by image. Each deleted face, image and job is recorded first in the table `deletions`. So a deletion
 * that is interrupted and repeated still returns all of them, and the caller can delete blobs and templates. The row itself is deleted
 * last. After the decision the signal is ignored: a half deletion is worse than a late result.
 */
export async function deletePerson(
  store: ScyllaStore,
  tenant: string,
  personId: string,
  options?: WriteOptions & { readonly keepJobs?: boolean },
): Promise<RemovedPerson | null> {
  const { documents } = store;
  const stored = await documents.get<PersonDocument>('persons', tenant, personId);
  if (stored?.deletion !== undefined) return await finishDeletion(store, tenant, personId);
  const person = await wholePerson(store, tenant, personId);
  if (person === null) return null;
  options?.signal?.throwIfAborted();
  const done = await documents.begin({ kind: 'deletion', tenant, id: personId });
  const isDecided = await documents.change<PersonDocument, boolean>(
    'persons',
    tenant,
    personId,
    (current) => {
      if (current === null) return { next: undefined, result: false };
      if (current.deletion !== undefined) return { next: undefined, result: true };
      const deletion = {
        faceCount: person.faceCount,
        keepJobs: options?.keepJobs ?? false,
        effects: [...drop('persons_by_tenant', tenant, { at: current.createdAt, id: personId }), ...outboxOf(options)],
      };
      return { next: { ...current, deletion }, result: true };
    },
    options,
  );
  const removed = isDecided ? await finishDeletion(store, tenant, personId) : null;
  done();
  return removed;
}

/** Carries out a deletion that is decided. May be called again after an interruption. null when no deletion is pending. */
export async function finishDeletion(
  store: ScyllaStore,
  tenant: string,
  personId: string,
): Promise<RemovedPerson | null> {
  const { documents, scylla } = store;
  const person = await documents.get<PersonDocument>('persons', tenant, personId);
  if (person?.deletion === undefined) return null;
  const { faceCount, keepJobs, effects } = person.deletion;
  // No reader sees the person now, so cached results that name it must expire.
  await scylla.write([raiseOf(tenant, store.now())], microseconds());

  // Repeat until the list is empty: a running enrolment may still add faces. It deletes the faces that it adds later.
  while ((await removeSome(store, tenant, personId)) > 0);
  if (!keepJobs) {
    await deleteJobsOf(store, tenant, { personId, externalId: person.externalId }, (job) =>
      scylla.write([noteOf(tenant, personId, 'job', job.jobId, job)], microseconds()),
    );
  }
  const recorded = await scylla.rows('deletions:all', [tenant, personId]);
  const of = <Value>(kind: string): Value[] =>
    recorded.flatMap((row) => (row.kind === kind ? [JSON.parse(row.data as string) as Value] : []));

  if (person.externalId !== null) await claimsOfPersons(store).release(tenant, person.externalId, personId);
  await documents.change<PersonDocument, void>('persons', tenant, personId, (current) =>
    current?.deletion === undefined
      ? { next: undefined, result: undefined }
      : { next: null, effects, result: undefined },
  );
  await scylla.write([['deletions:forget', [tenant, personId]]], microseconds());
  const faces = of<[string, number]>('face').sort(([idA, a], [idB, b]) => a - b || (idA < idB ? -1 : 1));
  return {
    person: toPerson(personId, person, faceCount),
    faceIds: faces.map(([faceId]) => faceId),
    images: of<Image>('image'),
    jobs: of<Job>('job'),
  };
}

/** Deletes up to 10,000 faces of a person. Resolves to the number of list entries found. */
async function removeSome(store: ScyllaStore, tenant: string, personId: string): Promise<number> {
  const byImage = new Map<string, StoredEntry[]>();
  let found = 0;
  for await (const entry of walk(store.scylla, 'faces_by_person', tenant, { order: 'up', step: 2000 }, personId)) {
    const [imageId] = JSON.parse(entry.data) as [string];
    byImage.set(imageId, [...(byImage.get(imageId) ?? []), entry]);
    if (++found >= 10_000) break;
  }
  await eachOf([...byImage], imagesAtOnce, async ([imageId, entries]) => {
    const { faces } = await removeFaces(store, tenant, imageId, (face) => face.personId === personId, {
      async before(going, image) {
        const notes: Bound[] = going.map(({ faceId, createdAt }) =>
          noteOf(tenant, personId, 'face', faceId, [faceId, createdAt]),
        );
        if (image !== null) notes.push(noteOf(tenant, personId, 'image', imageId, image));
        await store.scylla.write(notes, microseconds());
      },
    });
    // The other list entries have no face. They are left over, so delete them.
    const removed = new Set(faces.map(({ faceId }) => faceId));
    const strays = entries.filter(({ id }) => !removed.has(id));
    if (strays.length > 0) {
      await store.scylla.write(
        strays.flatMap((entry) => drop('faces_by_person', tenant, entry, personId)),
        microseconds(),
      );
    }
  });
  return found;
}

const noteOf = (tenant: string, personId: string, kind: string, subject: string, data: unknown): Bound => [
  'deletions:put',
  [tenant, personId, kind, subject, JSON.stringify(data)],
];
