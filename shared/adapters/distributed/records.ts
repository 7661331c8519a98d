import type { AppearanceRecords } from '../../ports/records/appearances.ts';
import type { DeadLetterRecords, StoredDeadLetter } from '../../ports/records/dead-letters.ts';
import type { DeletionRecords } from '../../ports/records/deletion.ts';
import type { EnrolmentRecords } from '../../ports/records/enrolment.ts';
import type { ErasureRecords } from '../../ports/records/erasures.ts';
import type { FaceRecords } from '../../ports/records/faces.ts';
import type { GalleryEpochRecords } from '../../ports/records/gallery-epoch.ts';
import type { JobRecords } from '../../ports/records/jobs.ts';
import type { PersonRecords } from '../../ports/records/persons.ts';
import type { RetentionRecords } from '../../ports/records/retention.ts';
import type { Upload, UploadRecords } from '../../ports/records/uploads.ts';
import type { UsageRecords } from '../../ports/records/usage.ts';
import type { Records } from '../../ports/records.ts';
import { listAppearances, summarizeAppearances } from './records-appearances.ts';
import { deleteFace, deletePerson } from './records-deletion.ts';
import { saveEnrolment } from './records-enrolment.ts';
import { galleryEpoch, raiseOf } from './records-epoch.ts';
import { erasureKey, listErasures, markOfContent } from './records-erasures.ts';
import { expireImage } from './records-images.ts';
import * as jobs from './records-jobs.ts';
import * as letters from './records-letters.ts';
import { pendingOutbox, settleOutbox } from './records-outbox.ts';
import { createPerson, erasedPersons, updatePerson } from './records-persons.ts';
import * as read from './records-reading.ts';
import { openScyllaStore, type ScyllaStore, type ScyllaStoreOptions } from './scylla/store.ts';
import { microseconds } from './scylla/write-time.ts';

/** Records in ScyllaDB. See: [Note: One row decides], [Note: Lists in buckets] */
export async function openRecords(options: ScyllaStoreOptions): Promise<Records> {
  return recordsOn(openScyllaStore('records', options));
}

/** Exported for tests of crashes. */
export function recordsOn(store: ScyllaStore): Records {
  const write: Write = (tenant, options, work) =>
    store.write(options, async () => {
      await store.registerTenant(tenant);
      return await work();
    });

  return {
    ...personRecords(store, write),
    ...enrolmentRecords(store, write),
    ...erasureRecords(store),
    ...faceRecords(store, write),
    ...tenantRecords(store),
    ...jobRecords(store, write),
    ...deadLetterRecords(store, write),
    ...uploadRecords(store, write),
    pendingOutbox: (limit, options) => store.read(options, () => pendingOutbox(store, limit)),
    settleOutbox: (ids, options) => store.write(options, () => settleOutbox(store, ids)),
    checkWritable: (options) => store.read(options, async () => void (await erasureKey(store.scylla))),
    close: () => store.close(),
  };
}

/** Runs a write for a tenant, after the tenant is in the list of tenants. */
type Write = <Value>(
  tenant: string,
  options: Parameters<ScyllaStore['write']>[0],
  work: () => Promise<Value>,
) => Promise<Value>;

const personRecords = (store: ScyllaStore, write: Write): PersonRecords => ({
  createPerson: (tenant, person, options) => write(tenant, options, () => createPerson(store, tenant, person, options)),
  updatePerson: (tenant, id, changes, options) =>
    write(tenant, options, () => updatePerson(store, tenant, id, changes, options)),
  getPersons: (tenant, ids, options) => store.read(options, () => read.personsById(store, tenant, ids)),
  getPersonsByExternalIds: (tenant, ids, options) =>
    store.read(options, () => read.personsByExternalId(store, tenant, ids)),
  getIdentities: (tenant, of, options) => store.read(options, () => read.identitiesOf(store, tenant, of)),
  listPersons: (tenant, options) => store.read(options, () => read.listPersons(store, tenant, options)),
});

const enrolmentRecords = (store: ScyllaStore, write: Write): EnrolmentRecords & DeletionRecords => ({
  saveEnrolment: (tenant, enrolment, options) =>
    write(tenant, options, async () => ({
      ...(await saveEnrolment(store, tenant, enrolment, options)),
      durable: Promise.resolve(),
    })),
  deletePerson: (tenant, id, options) => write(tenant, options, () => deletePerson(store, tenant, id, options)),
  deleteFace: (tenant, id, options) => write(tenant, options, () => deleteFace(store, tenant, id, options)),
});

const erasureRecords = (store: ScyllaStore): ErasureRecords => ({
  erasedPersons: (tenant, ids, options) => store.read(options, () => erasedPersons(store, tenant, ids)),
  isContentErased: (tenant, digest, options) =>
    store.read(options, async () => (await markOfContent(store, tenant, digest)) !== null),
  listErasures: (tenant, options) => store.read(options, () => listErasures(store, tenant, options)),
  erasureKey: (options) => store.read(options, () => erasureKey(store.scylla)),
});

const faceRecords = (store: ScyllaStore, write: Write): FaceRecords & AppearanceRecords & RetentionRecords => ({
  getFaces: (tenant, ids, options) => store.read(options, () => read.facesById(store, tenant, ids)),
  listFaces: (tenant, filter, options) => store.read(options, () => read.listFaces(store, tenant, filter, options)),
  getImage: (tenant, id, options) => store.read(options, () => read.getImage(store, tenant, id)),
  listImages: (tenant, options) => store.read(options, () => read.listImages(store, tenant, options)),
  listAppearances: (tenant, id, filter, options) =>
    store.read(options, () => listAppearances(store, tenant, id, filter, options)),
  summarizeAppearances: (tenant, id, filter, options) =>
    store.read(options, () => summarizeAppearances(store, tenant, id, filter, options?.signal)),
  imagesBefore: (tenant, before, limit, options) =>
    store.read(options, () => read.imagesBefore(store, tenant, before, limit)),
  unknownFacesBefore: (tenant, before, limit, options) =>
    store.read(options, () => read.unknownFacesBefore(store, tenant, before, limit)),
  expireImage: (tenant, id, options) => write(tenant, options, () => expireImage(store, tenant, id, options?.signal)),
});

const tenantRecords = (store: ScyllaStore): GalleryEpochRecords & UsageRecords => ({
  galleryEpoch: (tenant, options) => store.read(options, () => galleryEpoch(store.scylla, tenant)),
  raiseEpoch: (tenant, options) =>
    store.write(options, () => store.scylla.write([raiseOf(tenant, store.now())], microseconds())),
  usage: (tenant, options) => store.read(options, () => read.usage(store, tenant)),
  countUnknownFaces: (tenant, options) => store.read(options, () => read.countUnknownFaces(store, tenant)),
  tenants: (options) => store.read(options, () => read.tenants(store)),
});

const jobRecords = (store: ScyllaStore, write: Write): JobRecords => ({
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
});

const deadLetterRecords = (store: ScyllaStore, write: Write): DeadLetterRecords => ({
  saveDeadLetter: (tenant, letter, options) =>
    write(tenant, options, () => letters.saveDeadLetter(store, tenant, letter, options?.signal)),
  getDeadLetter: (tenant, id, options) =>
    store.read(options, () => store.documents.get<StoredDeadLetter>('dead_letters', tenant, id)),
  listDeadLetters: (tenant, filter, options) =>
    store.read(options, () => letters.listDeadLetters(store, tenant, filter, options)),
  removeDeadLetter: (tenant, id, options) =>
    write(tenant, options, () => letters.removeDeadLetter(store, tenant, id, options)),
  expireDeadLetters: (before, limit, options) =>
    store.write(options, () => letters.expireDeadLetters(store, before, limit)),
});

const uploadRecords = (store: ScyllaStore, write: Write): UploadRecords => ({
  getUpload: (tenant, id, options) => store.read(options, () => store.documents.get<Upload>('uploads', tenant, id)),
  saveUpload: (tenant, upload, options) =>
    write(tenant, options, () => letters.saveUpload(store, tenant, upload, options)),
  deleteUpload: (tenant, id, options) =>
    write(tenant, options, () => letters.deleteUpload(store, tenant, id, options?.signal)),
  listUploads: (tenant, filter, options) =>
    store.read(options, () => letters.listUploads(store, tenant, filter, options)),
});
