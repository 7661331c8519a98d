import type { Page, PageOptions } from '../pages.ts';
import type { CallOptions, Tenant } from '../tenant.ts';

/** A mark of something that was erased. */
export interface Erasure {
  /**
   * `person/{person_id}`, or `content/{keyed digest}` of a photo. The digest is HMAC-SHA-256 of the tenant and the SHA-256 of the bytes.
   */
  readonly subject: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/**
 * The marks of erased persons and photos.
 *
 * [Note: Erased is erased]
 * `deletePerson` leaves a mark for the person's id, in the same write. From then on no write can create a person with this id or name it:
 * createPerson, updatePerson, saveEnrolment, createJob, createJobs and the import of a person fail with PERSON_ERASED. The mark is never
 * removed, so a slow enrolment, a retry, or a job that was queued before the erasure cannot bring the person back.
 *
 * The same write leaves a mark for the content of each photo that showed the person, and of each photo that waited in a job of the person.
 * `deleteFace` does so too when it `blocks`. An enrolment `fromUpload` of this content then fails with ERASED: a copied or touched file
 * does not bring the person back. Any other enrolment of the content was requested by a client over the API. It removes the mark of the
 * content in its own write.
 *
 * A mark of a photo is a digest with a secret key, so the mark does not show which photo it was to a reader who has no key. The key belongs
 * to the installation, and its first mark creates it.
 */
export interface ErasureRecords {
  /** Those of the ids that belonged to erased persons. At most 1000 ids. */
  erasedPersons(tenant: Tenant, personIds: readonly string[], options?: CallOptions): Promise<string[]>;
  /** @param digest SHA-256 of the photo's bytes, hex */
  isContentErased(tenant: Tenant, digest: string, options?: CallOptions): Promise<boolean>;
  /** Oldest first; for a copy of the installation. */
  listErasures(tenant: Tenant, options: PageOptions): Promise<Page<Erasure>>;
  /** The key of the digests, hex; for a copy of the installation. null: there is no mark of a photo yet. */
  erasureKey(options?: CallOptions): Promise<string | null>;
}
