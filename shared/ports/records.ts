import type { DetectedFace, Location } from '../domain/face.ts';
import type { Area } from '../domain/globe.ts';
import type { PlaceCell } from '../domain/places.ts';
import type { Priority } from '../domain/priority.ts';
import type { Event } from './events.ts';
import type { CallOptions, Tenant } from './tenant.ts';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export interface Consent {
  readonly basis: string;
  /** RFC 3339 */
  readonly given_at: string;
  /** RFC 3339 */
  readonly expires_at?: string | undefined;
}

export interface Person {
  readonly personId: string;
  /** Unique per tenant. */
  readonly externalId: string | null;
  readonly name: string | null;
  readonly metadata: JsonObject;
  readonly consent: Consent | null;
  /**
   * Derived from the faces, never stored as a blind counter: for each image the most that one space has, so that a face that
   * was enrolled with several packs counts once.
   */
  readonly faceCount: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** 1, then +1 with every change of name, metadata, externalId or consent. */
  readonly version: number;
}

export type NewPerson = Pick<Person, 'personId' | 'externalId' | 'name' | 'metadata' | 'consent'>;
export type PersonChanges = Partial<Pick<Person, 'externalId' | 'name' | 'metadata' | 'consent'>>;

export interface Face extends DetectedFace {
  readonly faceId: string;
  readonly personId: string | null;
  readonly imageId: string;
  readonly pack: string;
  readonly space: string;
  /** Milliseconds since the epoch; when the photo was taken. */
  readonly capturedAt: number | null;
  readonly location: Location | null;
  readonly sourceId: string | null;
  /** Calibrated similarity at which auto_associate joined it; null when a client named the person. */
  readonly similarity: number | null;
  readonly createdAt: number;
}
export type NewFace = Omit<Face, 'createdAt' | 'imageId'>;

export interface Image {
  readonly imageId: string;
  /** SHA-256 of the bytes, hex. */
  readonly digest: string;
  /** Key in the images port. */
  readonly blobKey: string;
  readonly contentType: string;
  /** 0 once it has expired. */
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
  readonly capturedAt: number | null;
  readonly location: Location | null;
  readonly sourceId: string | null;
  readonly createdAt: number;
  /** When its bytes were given up because their time of retention was over; they do not come back. null: they are there. */
  readonly expiredAt: number | null;
}
export type NewImage = Omit<Image, 'createdAt' | 'expiredAt'>;

export interface Page<T> {
  readonly items: T[];
  /** Position after the last item, for `after`; null on the last page. Opaque, at most 512 characters. */
  readonly next: string | null;
}
export interface PageOptions extends CallOptions {
  /** 1..1000 */
  readonly limit: number;
  /** A `next` from the same listing; anything else: AppError PAGE_TOKEN_INVALID. */
  readonly after?: string | undefined;
}

export interface OutboxEntry {
  readonly topic: string;
  readonly event: Event;
}
/** Events that become durable together with the row, or not at all. */
export interface WriteOptions extends CallOptions {
  readonly outbox?: readonly OutboxEntry[] | undefined;
}

/** Who somebody is, without what is counted: that costs a read for each person more. */
export type Identity = Pick<Person, 'personId' | 'externalId' | 'name' | 'consent'>;

export interface Enrolment {
  /** Written when new; one that exists is left as it is. Faces name their person by themselves, this one or another that exists. */
  readonly person: NewPerson | null;
  readonly image: NewImage;
  readonly faces: readonly NewFace[];
  /** The job that this is done for; nothing is written for one that is over. */
  readonly jobId?: string | undefined;
}
export interface SavedEnrolment {
  /** The image as stored; its blobKey is the first writer's when the same image had been saved before. */
  readonly image: Image;
  readonly imageCreated: boolean;
  readonly personCreated: boolean;
  /** In the order given; faces that existed keep their row (see FACE_OF_OTHER_PERSON). */
  readonly faces: readonly { readonly face: Face; readonly created: boolean }[];
  /** Settles once it survives a power cut, which everything else of the store does when it is answered; all see it before. Errors: STORE_UNAVAILABLE. */
  readonly durable: Promise<void>;
}
/** Of an enrolment, what is in the store. */
export type EnrolmentRows = Omit<SavedEnrolment, 'durable'>;

/** Which appearances of a person; all conditions hold together. An appearance is at `capturedAt`, else at `createdAt`. */
export interface AppearanceFilter {
  /** Milliseconds since the epoch, inclusive. */
  readonly from?: number | undefined;
  /** Exclusive. */
  readonly to?: number | undefined;
  /** Faces without a location never match. */
  readonly area?: Area | undefined;
}

export interface AppearanceSummary {
  readonly count: number;
  /** Milliseconds since the epoch; null when there is none. */
  readonly first: number | null;
  readonly last: number | null;
  /** Of those with a location, in no particular order. */
  readonly cells: readonly PlaceCell[];
}

export const jobStatuses = ['queued', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** An enrolment that was accepted and is done later. */
export interface Job {
  readonly jobId: string;
  /** Id that the photo's main face gets. */
  readonly faceId: string;
  readonly priority: Priority;
  readonly status: JobStatus;
  /** Whom it names; once it is completed, whose the face is. */
  readonly personId: string | null;
  readonly externalId: string | null;
  /** Key of the image in the images port until the job is done or cancelled; one that failed may be tried again. */
  readonly imageKey: string;
  /** What was asked for; null once the job is done or cancelled. */
  readonly request: JsonObject | null;
  /** The batch that it is an item of, and its place there from 0; null: it was accepted alone. */
  readonly batchId: string | null;
  readonly item: number | null;
  readonly webhookUrl: string | null;
  /** Times it was begun. */
  readonly attempts: number;
  /** Attempts that failed or were cut short, as far as the photo may be why. */
  readonly failures: number;
  /** When the attempt began of which nobody has heard the end, in milliseconds since the epoch; null: none is under way. */
  readonly underWaySince: number | null;
  readonly result: JsonObject | null;
  readonly error: JsonObject | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** When the latest attempt began. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}
export type NewJob = Pick<
  Job,
  'jobId' | 'faceId' | 'priority' | 'personId' | 'externalId' | 'imageKey' | 'webhookUrl'
> &
  Partial<Pick<Job, 'batchId' | 'item'>> & { readonly request: JsonObject };
export interface JobFilter {
  readonly status?: JobStatus | undefined;
  readonly priority?: Priority | undefined;
}
/**
 * How long an attempt is taken to be under way when nothing is heard of it, in milliseconds: as long as a delivery may take.
 *
 * [Note: Attempts cut short]
 * A photo that kills the process kills it again, so attempts that never ended count as failures. But an event may come ten times at
 * once, and a crash cuts off all ten: that is one failure. So the first of several deliveries holds the job, and the others beside it
 * count for nothing. When the next one finds that the holder has been silent for too long, or that it belonged to a process which is
 * known to be gone, one failure is counted. Only the embedded store knows: whoever opens it is alone with it. On the engines a job that
 * kills each process at once is counted once a minute.
 */
export const mostUnderWayMs = 60_000;

export type JobOutcome =
  | { readonly status: 'completed'; readonly personId: string | null; readonly result: JsonObject }
  | { readonly status: 'failed' | 'cancelled'; readonly error: JsonObject };

/** Work of all tenants that waits. */
export interface Backlog {
  /** Events written and not yet published. */
  readonly outbox: number;
  /** Jobs not finished. */
  readonly jobs: Readonly<Record<Priority, number>>;
  /** How long the latest finished jobs took from their last start to their end; null when there is none. */
  readonly meanProcessingMs: number | null;
  /** Dead letters that are kept. */
  readonly deadLetters: number;
}

/** An event that was given up. */
export interface StoredDeadLetter {
  /** Follows from the event and the group, so that the same failure again is the same letter. */
  readonly deadLetterId: string;
  readonly event: Event;
  readonly type: string;
  /** null: whoever gave it up did not say. The same of the next four. */
  readonly topic: string | null;
  /** Who was to handle it. */
  readonly group: string | null;
  /** How the last attempt was answered. */
  readonly status: number | null;
  readonly reason: string | null;
  readonly attempts: number | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
}
export interface DeadLetterFilter {
  readonly type?: string | undefined;
  readonly reason?: string | undefined;
}

/** A file of the bucket or the watched folder that has been seen to. */
export interface Upload {
  /** Follows from its path, which may name people and is not kept. */
  readonly uploadId: string;
  /** Of the file's contents, as the `uploads` port has it. */
  readonly version: string;
  readonly jobId: string;
  readonly imageId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** State of a tenant's gallery, as far as recognition goes. */
export interface GalleryEpoch {
  /** Another name after each change. */
  readonly epoch: string;
  /** Milliseconds since the epoch, by the clock of who changed it; null: longer ago than any answer is kept. */
  readonly changedAt: number | null;
}

/** How much a tenant holds. */
export interface Usage {
  readonly persons: number;
  readonly faces: number;
  /** Of images. */
  readonly bytes: number;
}

/**
 * Persons, faces and images. What a resolved write has done is seen by every later read and survives a crash; a rejected
 * one leaves nothing behind. Errors (AppError): PERSON_NOT_FOUND, PERSON_EXISTS, EXTERNAL_ID_TAKEN, VERSION_CONFLICT,
 * FACE_OF_OTHER_PERSON, PAGE_TOKEN_INVALID, STORE_UNAVAILABLE.
 */
export interface Records {
  /** Errors: PERSON_EXISTS, EXTERNAL_ID_TAKEN (of two concurrent calls exactly one wins). */
  createPerson(tenant: Tenant, person: NewPerson, options?: WriteOptions): Promise<Person>;
  /** In no particular order; unknown ids are left out. At most 1000 ids. */
  getPersons(tenant: Tenant, personIds: readonly string[], options?: CallOptions): Promise<Person[]>;
  /** In no particular order; unknown ids are left out. At most 1000 ids. */
  getPersonsByExternalIds(tenant: Tenant, externalIds: readonly string[], options?: CallOptions): Promise<Person[]>;
  /** In no particular order; unknown ids are left out. At most 1000 ids. */
  getIdentities(
    tenant: Tenant,
    of: { readonly personIds: readonly string[] } | { readonly externalIds: readonly string[] },
    options?: CallOptions,
  ): Promise<Identity[]>;
  /** Oldest first; complete and without repeats for persons that exist throughout, also while others come and go. */
  listPersons(tenant: Tenant, options: PageOptions): Promise<Page<Person>>;
  /** Errors: PERSON_NOT_FOUND, EXTERNAL_ID_TAKEN, VERSION_CONFLICT when `version` is given and not the stored one. */
  updatePerson(
    tenant: Tenant,
    personId: string,
    changes: PersonChanges,
    options?: WriteOptions & { version?: number | undefined },
  ): Promise<Person>;
  /**
   * Removes the person, its faces, images that no remaining face is on, and, unless `keepJobs`, the jobs that name it. null when
   * there is none.
   */
  deletePerson(
    tenant: Tenant,
    personId: string,
    options?: WriteOptions & { readonly keepJobs?: boolean },
  ): Promise<{ person: Person; faceIds: string[]; images: Image[]; jobs: Job[] } | null>;

  /**
   * Writes person (when given and new), image and faces as one. Idempotent: the same enrolment again changes nothing.
   * Errors: EXTERNAL_ID_TAKEN, PERSON_NOT_FOUND (a face names a missing person), FACE_OF_OTHER_PERSON (a face exists and
   * belongs to somebody else, or the same face of the image, by `isSameFace`, does in another space), VERSION_CONFLICT when its
   * job is finished or gone. A face that exists without a person is given the one named.
   */
  saveEnrolment(tenant: Tenant, enrolment: Enrolment, options?: WriteOptions): Promise<SavedEnrolment>;
  /** In no particular order; unknown ids are left out. At most 1000 ids. */
  getFaces(tenant: Tenant, faceIds: readonly string[], options?: CallOptions): Promise<Face[]>;
  /** Newest first. */
  listFaces(tenant: Tenant, filter: { personId?: string; imageId?: string }, options: PageOptions): Promise<Page<Face>>;
  /** Removes the face, and its image when no other face is on it. null when there is none. */
  deleteFace(
    tenant: Tenant,
    faceId: string,
    options?: WriteOptions,
  ): Promise<{ face: Face; image: Image | null } | null>;

  getImage(tenant: Tenant, imageId: string, options?: CallOptions): Promise<Image | null>;
  /** Images not expired that were stored before a time (milliseconds since the epoch), oldest first; `limit`: 1..1000. */
  imagesBefore(tenant: Tenant, before: number, limit: number, options?: CallOptions): Promise<Image[]>;
  /** Faces of nobody that were enrolled before a time, oldest first; `limit`: 1..1000. */
  unknownFacesBefore(tenant: Tenant, before: number, limit: number, options?: CallOptions): Promise<Face[]>;
  /** Says that an image's bytes are given up. The image as it was; null when there is none or it has expired already. */
  expireImage(tenant: Tenant, imageId: string, options?: CallOptions): Promise<Image | null>;
  /** Oldest first. */
  listImages(tenant: Tenant, options: PageOptions): Promise<Page<Image>>;

  /** Faces of a person by the time they were seen. Complete and without repeats for faces that stay. */
  listAppearances(
    tenant: Tenant,
    personId: string,
    filter: AppearanceFilter,
    options: PageOptions & { readonly order: 'oldest-first' | 'newest-first' },
  ): Promise<Page<Face>>;
  /** Of all that match, however many. */
  summarizeAppearances(
    tenant: Tenant,
    personId: string,
    filter: AppearanceFilter,
    options?: CallOptions,
  ): Promise<AppearanceSummary>;

  /** The same id again changes nothing and gives back what is there; then no event goes out. */
  createJob(tenant: Tenant, job: NewJob, options?: WriteOptions): Promise<Job>;
  /** `id` of the job, or of its face: then the newest job that has it. */
  getJob(tenant: Tenant, id: string, options?: CallOptions): Promise<Job | null>;
  /**
   * Counts an attempt and says `processing`, unless the job is finished or cancelled: then it stays as it is.
   * See: [Note: Attempts cut short]
   */
  startJob(tenant: Tenant, jobId: string, options?: CallOptions): Promise<Job | null>;
  /** Says that no attempt is under way any more; `failed`: that counts as a failure. Changes nothing of a finished job. */
  endAttempt(
    tenant: Tenant,
    jobId: string,
    outcome: { readonly failed: boolean },
    options?: CallOptions,
  ): Promise<Job | null>;
  /** The first outcome stays: `changed` is false, and no event goes out, when there was one. null when the job is gone. */
  finishJob(
    tenant: Tenant,
    jobId: string,
    outcome: JobOutcome,
    options?: WriteOptions,
  ): Promise<{ job: Job; changed: boolean } | null>;
  /** Several at once, each as by createJob; resolves in the order given. When it rejects, some may be there: the same call again adds the others. */
  createJobs(
    tenant: Tenant,
    jobs: readonly { readonly job: NewJob; readonly outbox: readonly OutboxEntry[] }[],
    options?: CallOptions,
  ): Promise<Job[]>;
  /** Newest first. */
  listJobs(tenant: Tenant, filter: JobFilter, options: PageOptions): Promise<Page<Job>>;
  /** Jobs of a batch in their order. */
  listBatch(
    tenant: Tenant,
    batchId: string,
    filter: Pick<JobFilter, 'status'>,
    options: PageOptions,
  ): Promise<Page<Job>>;
  /** How many jobs of a batch have each status. All 0: there is no such batch. */
  countBatch(tenant: Tenant, batchId: string, options?: CallOptions): Promise<Record<JobStatus, number>>;
  /** Cancels a job that is queued and was never begun; `changed` is false for any other. null when there is none. */
  cancelJob(tenant: Tenant, jobId: string, options?: WriteOptions): Promise<{ job: Job; changed: boolean } | null>;
  /** Makes a job that failed a queued one without attempts and failures; `changed` is false for any other. null when there is none. */
  requeueJob(tenant: Tenant, jobId: string, options?: WriteOptions): Promise<{ job: Job; changed: boolean } | null>;
  /** Removes at most `limit` jobs of all tenants that were finished before; resolves to how many. */
  expireJobs(finishedBefore: number, limit: number, options?: CallOptions): Promise<number>;
  backlog(options?: CallOptions): Promise<Backlog>;

  /** Replaces the letter of the same id. */
  saveDeadLetter(tenant: Tenant, letter: StoredDeadLetter, options?: CallOptions): Promise<void>;
  getDeadLetter(tenant: Tenant, deadLetterId: string, options?: CallOptions): Promise<StoredDeadLetter | null>;
  /** Newest first. */
  listDeadLetters(tenant: Tenant, filter: DeadLetterFilter, options: PageOptions): Promise<Page<StoredDeadLetter>>;
  /** Resolves to whether there was one; then the outbox's events go out. */
  removeDeadLetter(tenant: Tenant, deadLetterId: string, options?: WriteOptions): Promise<boolean>;
  /** Removes at most `limit` letters of all tenants that are older; resolves to how many. */
  expireDeadLetters(before: number, limit: number, options?: CallOptions): Promise<number>;

  getUpload(tenant: Tenant, uploadId: string, options?: CallOptions): Promise<Upload | null>;
  /**
   * Replaces what was there. Errors: VERSION_CONFLICT when `over` is given, null for none, and what is there is neither that nor the
   * same already, by version and job.
   */
  saveUpload(
    tenant: Tenant,
    upload: Upload,
    options?: CallOptions & { readonly over?: Upload | null | undefined },
  ): Promise<void>;
  /** Resolves to whether there was one. */
  deleteUpload(tenant: Tenant, uploadId: string, options?: CallOptions): Promise<boolean>;
  /** Oldest first; one that is replaced meanwhile may come twice. */
  listUploads(
    tenant: Tenant,
    filter: { readonly imageId?: string | undefined },
    options: PageOptions,
  ): Promise<Page<Upload>>;

  galleryEpoch(tenant: Tenant, options?: CallOptions): Promise<GalleryEpoch>;
  /**
   * Says that the gallery has changed, as when new templates can be found. deletePerson, deleteFace and updatePerson say so by
   * themselves, as part of what they do.
   */
  raiseEpoch(tenant: Tenant, options?: CallOptions): Promise<void>;

  /** Costs the same however much a tenant holds. */
  usage(tenant: Tenant, options?: CallOptions): Promise<Usage>;
  /** Faces without a person. Counted from a list of them alone; may lag behind where usage may. */
  countUnknownFaces(tenant: Tenant, options?: CallOptions): Promise<number>;
  /** Tenants that have rows. */
  tenants(options?: CallOptions): Promise<Tenant[]>;
  /** Oldest events that are written but not yet published. */
  pendingOutbox(limit: number, options?: CallOptions): Promise<{ id: string; entry: OutboxEntry }[]>;
  /** Forgets published ones. */
  settleOutbox(ids: readonly string[], options?: CallOptions): Promise<void>;
  close(): Promise<void>;
}
