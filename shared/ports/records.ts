import type { AppearanceRecords } from './records/appearances.ts';
import type { DeadLetterRecords } from './records/dead-letters.ts';
import type { DeletionRecords } from './records/deletion.ts';
import type { EnrolmentRecords } from './records/enrolment.ts';
import type { FaceRecords } from './records/faces.ts';
import type { GalleryEpochRecords } from './records/gallery-epoch.ts';
import type { JobRecords } from './records/jobs.ts';
import type { OutboxRecords } from './records/outbox.ts';
import type { PersonRecords } from './records/persons.ts';
import type { RetentionRecords } from './records/retention.ts';
import type { UploadRecords } from './records/uploads.ts';
import type { UsageRecords } from './records/usage.ts';

/**
 * The records of persons, faces, images and jobs.
 *
 * [Note: One store of records]
 * The port is split by subject. Each part has its own file and its own contract. One adapter implements all parts, because some
 * writes span them. `saveEnrolment` writes a person, an image and faces, and only while its job is not finished. `deletePerson` also
 * deletes faces, images and jobs. Both also write events to the outbox. Other callers see all of such a write or nothing of it.
 *
 * A resolved write is visible to every later read and survives a crash of the process. A rejected write changes nothing.
 * A resolved write also survives a power cut, with these exceptions: `saveEnrolment` until its `durable` resolves; `startJob`,
 * `endAttempt` and `settleOutbox`, because the caller repeats them.
 *
 * Errors (AppError): PERSON_NOT_FOUND, PERSON_EXISTS, EXTERNAL_ID_TAKEN, VERSION_CONFLICT, FACE_OF_OTHER_PERSON,
 * PAGE_TOKEN_INVALID, STORE_UNAVAILABLE.
 */
export interface Records
  extends PersonRecords,
    EnrolmentRecords,
    FaceRecords,
    AppearanceRecords,
    DeletionRecords,
    RetentionRecords,
    JobRecords,
    UploadRecords,
    DeadLetterRecords,
    GalleryEpochRecords,
    UsageRecords,
    OutboxRecords {
  close(): Promise<void>;
}
