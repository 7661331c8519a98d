import type { Tenant } from '../tenant.ts';
import type { Face, Image, NewFace, NewImage } from './faces.ts';
import type { WriteOptions } from './outbox.ts';
import type { NewPerson } from './persons.ts';

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

/** Writes a person, an image and its faces together. See: [Note: One store of records] */
export interface EnrolmentRecords {
  /**
   * Writes person (when given and new), image and faces as one. Idempotent: the same enrolment again changes nothing.
   * Errors: EXTERNAL_ID_TAKEN, PERSON_NOT_FOUND (a face names a missing person), FACE_OF_OTHER_PERSON (a face exists and
   * belongs to somebody else, or the same face of the image, by `isSameFace`, does in another space), VERSION_CONFLICT when its
   * job is finished or gone. A face that exists without a person is given the one named.
   */
  saveEnrolment(tenant: Tenant, enrolment: Enrolment, options?: WriteOptions): Promise<SavedEnrolment>;
}
