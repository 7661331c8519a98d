import type { StoredDeadLetter } from '../../ports/records/dead-letters.ts';
import type { OutboxEntry } from '../../ports/records/outbox.ts';
import type { Upload } from '../../ports/records/uploads.ts';
import type { Records } from '../../ports/records.ts';
import { listAppearances, summarizeAppearances } from './records-appearances.ts';
import { deleteFace, deletePerson, finishDeletion } from './records-deletion.ts';
import { saveEnrolment } from './records-enrolment.ts';
import { galleryEpoch, raiseOf } from './records-epoch.ts';
import { expireImage } from './records-images.ts';
import * as jobs from './records-jobs.ts';
import * as letters from './records-letters.ts';
import { claimsOfPersons, createPerson, livePerson, type PersonDocument, updatePerson } from './records-persons.ts';
import * as read from './records-reading.ts';
import { abandonedMs } from './scylla/claims.ts';
import { microseconds, type Work } from './scylla/documents.ts';
import { drop, platform, walk } from './scylla/lists.ts';
import { openScyllaStore, type ScyllaStore, type ScyllaStoreOptions } from './scylla/store.ts';

/** Persons, faces, images and jobs in ScyllaDB. See: [Note: One row decides], [Note: Lists in buckets] */
export async function openRecords(options: ScyllaStoreOptions): Promise<Records> {
  return recordsOn(openScyllaStore('records', options));
}

/** Also for tests of what a crash leaves. */
export function recordsOn(store: ScyllaStore): Records {
  const { scylla, documents } = store;
  const write = <Value>(
    tenant: string,
    options: Parameters<ScyllaStore['write']>[0],
    work: () => Promise<Value>,
  ): Promise<Value> =>
    store.write(options, async () => {
      await store.seen(tenant);
      return await work();
    });

  return {
    createPerson: (tenant, person, options) =>
      write(tenant, options, () => createPerson(store, tenant, person, options)),
    updatePerson: (tenant, id, changes, options) =>
      write(tenant, options, () => updatePerson(store, tenant, id, changes, options)),
    deletePerson: (tenant, id, options) => write(tenant, options, () => deletePerson(store, tenant, id, options)),
    saveEnrolment: (tenant, enrolment, options) =>
      write(tenant, options, async () => ({
        ...(await saveEnrolment(store, tenant, enrolment, options)),
        durable: Promise.resolve(),
      })),
    deleteFace: (tenant, id, options) => write(tenant, options, () => deleteFace(store, tenant, id, options)),
    expireImage: (tenant, id, options) => write(tenant, options, () => expireImage(store, tenant, id, options?.signal)),

    getPersons: (tenant, ids, options) => store.read(options, () => read.personsById(store, tenant, ids)),
    getIdentities: (tenant, of, options) => store.read(options, () => read.identitiesOf(store, tenant, of)),
    getPersonsByExternalIds: (tenant, ids, options) =>
      store.read(options, () => read.personsByExternalId(store, tenant, ids)),
    listPersons: (tenant, options) => store.read(options, () => read.listPersons(store, tenant, options)),
    getFaces: (tenant, ids, options) => store.read(options, () => read.facesById(store, tenant, ids)),
    listFaces: (tenant, filter, options) => store.read(options, () => read.listFaces(store, tenant, filter, options)),
    getImage: (tenant, id, options) => store.read(options, () => read.getImage(store, tenant, id)),
    listImages: (tenant, options) => store.read(options, () => read.listImages(store, tenant, options)),
    imagesBefore: (tenant, before, limit, options) =>
      store.read(options, () => read.imagesBefore(store, tenant, before, limit)),
    unknownFacesBefore: (tenant, before, limit, options) =>
      store.read(options, () => read.unknownFacesBefore(store, tenant, before, limit)),
    listAppearances: (tenant, id, filter, options) =>
      store.read(options, () => listAppearances(store, tenant, id, filter, options)),
    summarizeAppearances: (tenant, id, filter, options) =>
      store.read(options, () => summarizeAppearances(store, tenant, id, filter, options?.signal)),
    galleryEpoch: (tenant, options) => store.read(options, () => galleryEpoch(scylla, tenant)),
    raiseEpoch: (tenant, options) =>
      store.write(options, () => scylla.write([raiseOf(tenant, store.now())], microseconds())),
    usage: (tenant, options) => store.read(options, () => read.usage(store, tenant)),
    countUnknownFaces: (tenant, options) => store.read(options, () => read.countUnknownFaces(store, tenant)),
    tenants: (options) => store.read(options, () => read.tenants(store)),

    createJob: (tenant, job, options) => write(tenant, options, () => jobs.createJob(store, tenant, job, options)),
    createJobs: (tenant, items, options) =>
      write(tenant, options, () => jobs.createJobs(store, tenant, items, options?.signal)),
    getJob: (tenant, id, options) => store.read(options, () => jobs.getJob(store, tenant, id)),
    startJob: (tenant, id, options) => write(tenant, options, () => jobs.startJob(store, tenant, id, options?.signal)),
    endAttempt: (tenant, id, { failed }, options) =>
      write(tenant, options, () => jobs.endAttempt(store, tenant, id, failed, options?.signal)),
    finishJob: (tenant, id, outcome, options) =>
      write(tenant, options, () => jobs.finishJob(store, tenant, id, outcome, options)),
    cancelJob: (tenant, id, options) => write(tenant, options, () => jobs.cancelJob(store, tenant, id, options)),
    requeueJob: (tenant, id, options) => write(tenant, options, () => jobs.requeueJob(store, tenant, id, options)),
    listJobs: (tenant, filter, options) => store.read(options, () => jobs.listJobs(store, tenant, filter, options)),
    listBatch: (tenant, id, filter, options) =>
      store.read(options, () => jobs.listBatch(store, tenant, id, filter, options)),
    countBatch: (tenant, id, options) => store.read(options, () => jobs.countBatch(store, tenant, id)),
    expireJobs: (before, limit, options) => store.write(options, () => jobs.expireJobs(store, before, limit)),
    lane: (tenant, priority, more, options) => store.read(options, () => jobs.lane(store, tenant, priority, more)),
    backlog: (options) => store.read(options, () => jobs.backlog(store)),

    saveDeadLetter: (tenant, letter, options) =>
      write(tenant, options, () => letters.saveDeadLetter(store, tenant, letter, options?.signal)),
    getDeadLetter: (tenant, id, options) =>
      store.read(options, () => documents.get<StoredDeadLetter>('dead_letters', tenant, id)),
    listDeadLetters: (tenant, filter, options) =>
      store.read(options, () => letters.listDeadLetters(store, tenant, filter, options)),
    removeDeadLetter: (tenant, id, options) =>
      write(tenant, options, () => letters.removeDeadLetter(store, tenant, id, options)),
    expireDeadLetters: (before, limit, options) =>
      store.write(options, () => letters.expireDeadLetters(store, before, limit)),
    getUpload: (tenant, id, options) => store.read(options, () => documents.get<Upload>('uploads', tenant, id)),
    saveUpload: (tenant, upload, options) =>
      write(tenant, options, () => letters.saveUpload(store, tenant, upload, options)),
    deleteUpload: (tenant, id, options) =>
      write(tenant, options, () => letters.deleteUpload(store, tenant, id, options?.signal)),
    listUploads: (tenant, filter, options) =>
      store.read(options, () => letters.listUploads(store, tenant, filter, options)),

    pendingOutbox: (limit, options) =>
      store.read(options, async () => {
        await healRecords(store, Date.now() - abandonedMs);
        const pending: { id: string; entry: OutboxEntry }[] = [];
        if (limit < 1) return pending;
        const wanted = { order: 'up', step: Math.min(limit, 1000) } as const;
        for await (const { at, id, data } of walk(scylla, 'outbox', platform, wanted)) {
          if (pending.push({ id: `${at}/${id}`, entry: JSON.parse(data) as OutboxEntry }) >= limit) break;
        }
        return pending;
      }),
    settleOutbox: (ids, options) =>
      store.write(options, async () => {
        const bounds = ids.flatMap((each) => {
          const [at, id] = each.split('/');
          return id === undefined ? [] : drop('outbox', platform, { at: Number(at), id });
        });
        await scylla.write(bounds, microseconds());
      }),
    close: () => store.close(),
  };
}

/**
 * Finishes what was begun before and has been left. The sweep of the outbox does this every time: what it is there for, that
 * written events go out whatever happens, is the same thing. See: [Note: What a crash leaves]
 */
export function healRecords(store: ScyllaStore, before: number): Promise<number> {
  return store.documents.heal(before, async ({ kind, tenant, id, personId, externalId }: Work) => {
    if (kind === 'deletion') await finishDeletion(store, tenant, id);
    if (kind !== 'enrolment' || typeof personId !== 'string') return;
    await livePerson(store, tenant, personId);
    if (typeof externalId !== 'string') return;
    const person = await store.documents.get<PersonDocument>('persons', tenant, personId);
    if (person?.externalId !== externalId) await claimsOfPersons(store).release(tenant, externalId, personId);
  });
}
