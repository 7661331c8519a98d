import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { GalleryEpoch } from '../../ports/records/gallery-epoch.ts';
import type { WriteOptions } from '../../ports/records/outbox.ts';
import type { Records } from '../../ports/records.ts';
import type { CallOptions, Tenant } from '../../ports/tenant.ts';
import { freeBytesIn, openDataFolder, requireSpace } from './data-folder.ts';
import { type Database, openDatabase } from './database.ts';
import { forcedOnDemand } from './forced-on-demand.ts';
import { refuseForeignRecords, refuseMissingRecords } from './left-behind.ts';
import { migrate, migrations } from './migrations.ts';
import { listAppearances, summarizeAppearances } from './records-appearances.ts';
import * as letters from './records-dead-letters.ts';
import { deleteFace, deletePerson } from './records-deletion.ts';
import { saveEnrolment } from './records-enrolment.ts';
import * as erasures from './records-erasures.ts';
import * as jobs from './records-jobs.ts';
import { createPerson, updatePerson } from './records-persons.ts';
import * as read from './records-reading.ts';
import * as retention from './records-retention.ts';
import { type OutboxRow, toImage, toOutbox } from './records-rows.ts';
import * as uploads from './records-uploads.ts';
import { pageTokensOf } from './store-database.ts';
import { lockStore } from './store-lock.ts';
import type { StoreOptions } from './store-options.ts';
import { createWriteQueue } from './write-queue.ts';

/**
 * Persons, faces and images in `records.db`.
 *
 * [Note: One writer, one reader]
 * Writes run one after another on one connection; reads use another connection. SQLite's WAL shows a reader only committed rows. So a
 * big deletion can be one transaction in short steps, other work runs between the steps, and no reader sees a part of the deletion.
 *
 * Gallery epochs end with the process, and so do the cached results that depend on them.
 */
export async function openRecords({
  dataDir,
  clock,
  freeBytes = () => freeBytesIn(dataDir),
}: StoreOptions & {
  /** Free bytes on the disk of the data folder. */
  readonly freeBytes?: () => number;
}): Promise<Records> {
  openDataFolder(dataDir);
  const unlock = lockStore(join(dataDir, 'records.lock'));
  let writer: Database | undefined;
  let reader: Database | undefined;
  const closeAll = () => {
    reader?.close();
    writer?.close();
    unlock();
  };
  try {
    const path = join(dataDir, 'records.db');
    await refuseMissingRecords(dataDir);
    writer = openDatabase(path);
    migrate(writer, migrations.records, clock.now());
    if (read.isWithoutImages(writer)) await refuseForeignRecords(dataDir, read.madeAt(writer));
    reader = openDatabase(path, { readOnly: true });
    return recordsOn(
      writer,
      reader,
      () => clock.now(),
      closeAll,
      () => requireSpace(dataDir, freeBytes()),
    );
  } catch (error) {
    closeAll();
    throw error;
  }
}

function recordsOn(
  writer: Database,
  reader: Database,
  now: () => number,
  closeAll: () => void,
  checkSpace: () => void,
): Records {
  const tokens = pageTokensOf(writer);
  const queue = createWriteQueue();
  const { transaction: unforced } = forcedOnDemand(writer);
  // Separate from `unforced`: no caller waits for those writes to be forced.
  const enrolments = forcedOnDemand(writer);
  const openedAt = now();
  let closing: Promise<void> | undefined;

  /** Runs `body` in one transaction, and adds the events of the options to the outbox if something `happened`. */
  const write = <T>(
    options: WriteOptions | undefined,
    body: () => T,
    happened: (result: T) => boolean = (result) => result !== null,
  ): Promise<T> =>
    queue.run(
      () =>
        writer.transaction(() => {
          const result = body();
          if (happened(result)) addToOutbox(writer, options);
          return result;
        }),
      options?.signal,
    );
  /** See: [Note: Deleted rows in the log] */
  const emptyLogAfter = <T>(removed: T): Promise<T> =>
    queue.run(() => {
      if (removed !== null) writer.emptyLog();
      return removed;
    });
  const firstEpoch: GalleryEpoch = { epoch: randomUUID(), changedAt: null };
  const epochs = new Map<Tenant, GalleryEpoch>();
  const raiseEpochAfter =
    (tenant: Tenant) =>
    <T>(changed: T): T => {
      if (changed !== null) epochs.set(tenant, { epoch: randomUUID(), changedAt: now() });
      return changed;
    };
  const reading = <T>(options: CallOptions | undefined, body: () => T | Promise<T>): Promise<T> =>
    // Reads do not use the queue. An error of `body` becomes a rejection.
    Promise.resolve().then(() => {
      options?.signal?.throwIfAborted();
      return body();
    });

  return {
    createPerson: (tenant, person, options) => write(options, () => createPerson(writer, tenant, person, now())),
    updatePerson: (tenant, personId, changes, options) =>
      write(options, () => updatePerson(writer, tenant, personId, changes, options?.version, now())).then(
        raiseEpochAfter(tenant),
      ),
    saveEnrolment: (tenant, enrolment, options) =>
      queue.run(() => {
        const rows = enrolments.transaction(() => {
          const saved = saveEnrolment(writer, tenant, enrolment, now());
          addToOutbox(writer, options);
          return saved;
        });
        const durable = enrolments.force();
        // A caller that needs durability awaits it.
        durable.catch(() => undefined);
        return { ...rows, durable };
      }, options?.signal),
    deleteFace: (tenant, faceId, options) =>
      write(options, () => deleteFace(writer, tenant, faceId, { blocks: options?.blocks ?? false, now: now() }))
        .then(raiseEpochAfter(tenant))
        .then(emptyLogAfter),
    deletePerson: (tenant, personId, options) =>
      queue
        .run(
          () => deletePerson(writer, tenant, personId, () => addToOutbox(writer, options), { ...options, now: now() }),
          options?.signal,
        )
        .then(raiseEpochAfter(tenant))
        .then(emptyLogAfter),

    erasedPersons: (tenant, ids, options) => reading(options, () => erasures.erasedPersons(reader, tenant, ids)),
    isContentErased: (tenant, digest, options) =>
      reading(options, () => erasures.isContentErased(reader, tenant, digest)),
    listErasures: (tenant, options) => reading(options, () => erasures.listErasures(reader, tokens, tenant, options)),
    erasureKey: (options) => reading(options, () => erasures.erasureKey(reader)),

    getPersons: (tenant, ids, options) => reading(options, () => read.personsById(reader, tenant, ids)),
    getIdentities: (tenant, of, options) =>
      reading(options, () =>
        'personIds' in of
          ? read.identitiesBy(reader, tenant, 'person_id', of.personIds)
          : read.identitiesBy(reader, tenant, 'external_id', of.externalIds),
      ),
    getPersonsByExternalIds: (tenant, ids, options) =>
      reading(options, () => read.personsByExternalId(reader, tenant, ids)),
    listPersons: (tenant, options) => reading(options, () => read.listPersons(reader, tokens, tenant, options)),
    getFaces: (tenant, ids, options) => reading(options, () => read.facesById(reader, tenant, ids)),
    listFaces: (tenant, filter, options) =>
      reading(options, () => read.listFaces(reader, tokens, tenant, filter, options)),
    getImage: (tenant, imageId, options) =>
      reading(options, () => {
        const row = read.imageRow(reader, tenant, imageId);
        return row === undefined ? null : toImage(row);
      }),
    listImages: (tenant, options) => reading(options, () => read.listImages(reader, tokens, tenant, options)),
    imagesBefore: (tenant, before, limit, options) =>
      reading(options, () => retention.imagesBefore(reader, tenant, before, limit)),
    unknownFacesBefore: (tenant, before, limit, options) =>
      reading(options, () => retention.unknownFacesBefore(reader, tenant, before, limit)),
    expireImage: (tenant, imageId, options) =>
      write(options, () => retention.expireImage(writer, tenant, imageId, now())),
    listAppearances: (tenant, personId, filter, options) =>
      reading(options, () => listAppearances(reader, tokens, tenant, personId, filter, options)),
    summarizeAppearances: (tenant, personId, filter, options) =>
      reading(options, () => summarizeAppearances(reader, tenant, personId, filter, options)),
    galleryEpoch: (tenant, options) => reading(options, () => epochs.get(tenant) ?? firstEpoch),
    raiseEpoch: (tenant, options) => reading(options, () => void raiseEpochAfter(tenant)(true)),
    usage: (tenant, options) => reading(options, () => read.usage(reader, tenant)),
    countUnknownFaces: (tenant, options) => reading(options, () => read.countUnknownFaces(reader, tenant)),
    tenants: (options) => reading(options, () => read.tenants(reader)),

    createJob: (tenant, job, options) =>
      write(
        options,
        () => jobs.createJob(writer, tenant, job, now()),
        ({ created }) => created,
      ).then(({ job: made }) => made),
    getJob: (tenant, id, options) => reading(options, () => jobs.getJob(reader, tenant, id)),
    // Not forced to the disk. If a power cut undoes it, then the event of the job, or of the outbox, is delivered again.
    startJob: (tenant, jobId, options) =>
      queue.run(() => unforced(() => jobs.startJob(writer, tenant, jobId, { now: now(), openedAt })), options?.signal),
    endAttempt: (tenant, jobId, { failed }, options) =>
      queue.run(() => unforced(() => jobs.endAttempt(writer, tenant, jobId, failed)), options?.signal),
    finishJob: (tenant, jobId, outcome, options) =>
      write(options, () => jobs.finishJob(writer, tenant, jobId, outcome, now()), hasChanged),
    createJobs: (tenant, given, options) =>
      write(options, () =>
        given.map(({ job, outbox }) => {
          const made = jobs.createJob(writer, tenant, job, now());
          if (made.created) addToOutbox(writer, { outbox });
          return made.job;
        }),
      ),
    listJobs: (tenant, filter, options) =>
      reading(options, () => jobs.listJobs(reader, tokens, tenant, filter, options)),
    listBatch: (tenant, batchId, filter, options) =>
      reading(options, () => jobs.listBatch(reader, tokens, tenant, batchId, filter, options)),
    countBatch: (tenant, batchId, options) => reading(options, () => jobs.countBatch(reader, tenant, batchId)),
    cancelJob: (tenant, jobId, options) =>
      write(options, () => jobs.cancelJob(writer, tenant, jobId, now()), hasChanged),
    requeueJob: (tenant, jobId, options) => write(options, () => jobs.requeueJob(writer, tenant, jobId), hasChanged),
    expireJobs: (finishedBefore, limit, options) =>
      write(options, () => jobs.expireJobs(writer, finishedBefore, limit)),
    lane: (tenant, priority, more, options) => reading(options, () => jobs.lane(reader, tenant, priority, more)),
    backlog: (options) => reading(options, () => jobs.backlog(reader)),

    saveDeadLetter: (tenant, letter, options) => write(options, () => letters.saveDeadLetter(writer, tenant, letter)),
    getDeadLetter: (tenant, id, options) => reading(options, () => letters.getDeadLetter(reader, tenant, id)),
    listDeadLetters: (tenant, filter, options) =>
      reading(options, () => letters.listDeadLetters(reader, tokens, tenant, filter, options)),
    removeDeadLetter: (tenant, id, options) =>
      write(options, () => letters.removeDeadLetter(writer, tenant, id), Boolean),
    expireDeadLetters: (before, limit, options) =>
      write(options, () => letters.expireDeadLetters(writer, before, limit)),

    getUpload: (tenant, id, options) => reading(options, () => uploads.getUpload(reader, tenant, id)),
    saveUpload: (tenant, upload, options) =>
      write(options, () => uploads.saveUpload(writer, tenant, upload, options?.over)),
    deleteUpload: (tenant, id, options) => write(options, () => uploads.deleteUpload(writer, tenant, id)),
    listUploads: (tenant, filter, options) =>
      reading(options, () => uploads.listUploads(reader, tokens, tenant, filter, options)),

    pendingOutbox: (limit, options) =>
      reading(options, async () => {
        // Events are published only after a power cut can no longer undo their enrolment.
        await enrolments.force();
        return reader.all<OutboxRow>('SELECT id, topic, event FROM outbox ORDER BY id LIMIT ?', [limit]).map(toOutbox);
      }),
    settleOutbox: (ids, options) => queue.run(() => unforced(() => settleOutbox(writer, ids)), options?.signal),
    checkWritable: (options) =>
      reading(options, () => {
        reader.get('SELECT 1');
        checkSpace();
      }),
    close() {
      closing ??= queue
        .drained()
        .then(() => enrolments.force().catch(() => undefined))
        .then(closeAll);
      return closing;
    },
  };
}

const hasChanged = (done: { readonly changed: boolean } | null): boolean => done?.changed === true;

function addToOutbox(writer: Database, options: WriteOptions | undefined): void {
  for (const { topic, event } of options?.outbox ?? []) {
    writer.run('INSERT INTO outbox (topic, event) VALUES (?, ?)', [topic, JSON.stringify(event)]);
  }
}

function settleOutbox(writer: Database, ids: readonly string[]): void {
  writer.run('DELETE FROM outbox WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))', [JSON.stringify(ids)]);
}
