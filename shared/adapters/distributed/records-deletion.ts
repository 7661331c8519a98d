import { eachOf } from '../../domain/each-of.ts';
import { AppError } from '../../errors.ts';
import type { Face, Image } from '../../ports/records/faces.ts';
import { digestOfJob, type Job } from '../../ports/records/jobs.ts';
import type { WriteOptions } from '../../ports/records/outbox.ts';
import type { Person } from '../../ports/records/persons.ts';
import { raiseOf } from './records-epoch.ts';
import { contentMarking, personMarking } from './records-erasures.ts';
import { placesOf, removeFaces } from './records-images.ts';
import { deleteJobsOf } from './records-jobs.ts';
import { changePerson, claimsOfPersons, endPerson, personDocument, toPerson, wholePerson } from './records-persons.ts';
import type { Bound } from './scylla/client.ts';
import { drop, type StoredEntry, walk } from './scylla/lists.ts';
import { outboxOf, type ScyllaStore } from './scylla/store.ts';
import { microseconds } from './scylla/write-time.ts';

export interface RemovedPerson {
  readonly person: Person;
  readonly faceIds: string[];
  readonly images: Image[];
  readonly jobs: Job[];
  readonly contents: number;
}

/** Images whose faces are deleted in parallel. */
const imagesAtOnce = 16;

/** See `Records.deleteFace`. */
export async function deleteFace(
  store: ScyllaStore,
  tenant: string,
  faceId: string,
  options?: WriteOptions & { readonly blocks?: boolean },
): Promise<{ face: Face; image: Image | null } | null> {
  const [place] = await placesOf(store.scylla, tenant, [faceId]);
  if (place?.imageId == null) return null;
  const { faces, image } = await removeFaces(store, tenant, place.imageId, (face) => face.faceId === faceId, {
    outbox: options?.outbox,
    blocks: options?.blocks,
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
 * that is interrupted and repeated still returns all of them, and the caller can delete blobs and templates. Last, a mark replaces the row.
 * After the decision the signal is ignored: a half deletion is worse than a late result.
 */
export async function deletePerson(
  store: ScyllaStore,
  tenant: string,
  personId: string,
  options?: WriteOptions & { readonly undo?: boolean },
): Promise<RemovedPerson | null> {
  const { documents } = store;
  const stored = await personDocument(store, tenant, personId);
  if (stored?.deletion !== undefined) return await finishDeletion(store, tenant, personId);
  const person = await wholePerson(store, tenant, personId);
  if (person === null) return null;
  options?.signal?.throwIfAborted();
  const done = await documents.begin({ kind: 'deletion', tenant, id: personId });
  const isDecided = await changePerson<boolean>(
    store,
    tenant,
    personId,
    (current) => {
      if (current === null) return { next: undefined, result: false };
      if (current.deletion !== undefined) return { next: undefined, result: true };
      const deletion = {
        faceCount: person.faceCount,
        keepJobs: options?.undo ?? false,
        effects: [...drop('persons_by_tenant', tenant, { at: current.createdAt, id: personId }), ...outboxOf(options)],
      };
      return { next: { ...current, deletion }, result: true };
    },
    options,
  ).catch((error: unknown) => {
    // Another call erased the person meanwhile.
    if (error instanceof AppError && error.code === 'PERSON_ERASED') return false;
    throw error;
  });
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
  const { scylla } = store;
  const person = await personDocument(store, tenant, personId);
  if (person?.deletion === undefined) return null;
  const { faceCount, keepJobs } = person.deletion;
  // No reader sees the person now, so cached results that name it must expire.
  await scylla.write([raiseOf(tenant, store.now())], microseconds());

  // Repeat until the list is empty: a running enrolment may still add faces. It deletes the faces that it adds later.
  while ((await removeSome(store, tenant, personId, !keepJobs)) > 0);
  if (!keepJobs) {
    await deleteJobsOf(store, tenant, { personId, externalId: person.externalId }, async (job) => {
      const digest = digestOfJob(job);
      const mark = digest === undefined ? null : await contentMarking(store, tenant, digest);
      await scylla.write(
        [
          noteOf(tenant, personId, 'job', job.jobId, job),
          ...(mark === null ? [] : [noteOf(tenant, personId, 'content', mark.subject, null), ...mark.bounds]),
        ],
        microseconds(),
      );
    });
  }
  const recorded = await scylla.rows('deletions:all', [tenant, personId]);
  const of = <Value>(kind: string): Value[] =>
    recorded.flatMap((row) => (row.kind === kind ? [JSON.parse(row.data as string) as Value] : []));

  if (person.externalId !== null) await claimsOfPersons(store).release(tenant, person.externalId, personId);
  await endPerson(store, tenant, personId, (at) => personMarking(tenant, personId, at));
  await scylla.write([['deletions:forget', [tenant, personId]]], microseconds());
  const faces = of<[string, number]>('face').sort(([idA, a], [idB, b]) => a - b || (idA < idB ? -1 : 1));
  return {
    person: toPerson(personId, person, faceCount),
    faceIds: faces.map(([faceId]) => faceId),
    images: of<Image>('image'),
    jobs: of<Job>('job'),
    contents: of('content').length,
  };
}

/** Deletes up to 10,000 faces of a person. Resolves to the number of list entries found. `blocks`: see `removeFaces`. */
async function removeSome(store: ScyllaStore, tenant: string, personId: string, blocks: boolean): Promise<number> {
  const byImage = new Map<string, StoredEntry[]>();
  let found = 0;
  for await (const entry of walk(store.scylla, 'faces_by_person', tenant, { order: 'up', step: 2000 }, personId)) {
    const [imageId] = JSON.parse(entry.data) as [string];
    byImage.set(imageId, [...(byImage.get(imageId) ?? []), entry]);
    if (++found >= 10_000) break;
  }
  await eachOf([...byImage], imagesAtOnce, async ([imageId, entries]) => {
    const { faces } = await removeFaces(store, tenant, imageId, (face) => face.personId === personId, {
      blocks,
      async before(going, image, mark) {
        const notes: Bound[] = going.map(({ faceId, createdAt }) =>
          noteOf(tenant, personId, 'face', faceId, [faceId, createdAt]),
        );
        if (image !== null) notes.push(noteOf(tenant, personId, 'image', imageId, image));
        if (mark !== null) notes.push(noteOf(tenant, personId, 'content', mark, null));
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
