import type { Tenant } from '../tenant.ts';
import type { Face, Image, NewFace, NewImage } from './faces.ts';
import type { WriteOptions } from './outbox.ts';
import type { NewPerson } from './persons.ts';

export interface Enrolment {
  /**
   * Written when no person has this id; an existing person is not changed. null: no new person. Each face names its own person:
   * this one, or another that exists.
   */
  readonly person: NewPerson | null;
  readonly image: NewImage;
  readonly faces: readonly NewFace[];
  /** Job of this enrolment. Nothing is written when the job is finished or does not exist. */
  readonly jobId?: string | undefined;
}
export interface SavedEnrolment {
  /** The image as stored. When the image was saved before, its `blobKey` is the one of the first write. */
  readonly image: Image;
  readonly imageCreated: boolean;
  readonly personCreated: boolean;
  /** In the order of the request. `created` is false for a face that existed before: it keeps its row, see saveEnrolment. */
  readonly faces: readonly { readonly face: Face; readonly created: boolean }[];
  /**
   * Resolves when the enrolment survives a power cut. Other callers already see it earlier. Rejects with STORE_UNAVAILABLE when the
   * store cannot write it to the disk.
   */
  readonly durable: Promise<void>;
}
/** The stored rows of an enrolment. */
export type EnrolmentRows = Omit<SavedEnrolment, 'durable'>;

/** Writes a person, an image and its faces in one write. See: [Note: One store of records] */
export interface EnrolmentRecords {
  /**
   * Writes the person (when given and new), the image and the faces in one write. Idempotent: the same enrolment again changes
   * nothing. An existing face without a person receives the person and the similarity of the enrolment.
   *
   * Errors: EXTERNAL_ID_TAKEN: another person has the external id, or the person exists with another external id.
   * PERSON_NOT_FOUND: a face names a person that does not exist.
   * FACE_OF_OTHER_PERSON: a face exists and belongs to another person, or the same face of the image (by `isSameFace`) belongs to
   * another person in another space.
   * VERSION_CONFLICT: the job of the enrolment is finished or does not exist.
   */
  saveEnrolment(tenant: Tenant, enrolment: Enrolment, options?: WriteOptions): Promise<SavedEnrolment>;
}
