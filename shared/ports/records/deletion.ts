import type { Tenant } from '../tenant.ts';
import type { Face, Image } from './faces.ts';
import type { Job } from './jobs.ts';
import type { WriteOptions } from './outbox.ts';
import type { Person } from './persons.ts';

/** Deletes persons and faces, with the rows that belong to them. See: [Note: One store of records] */
export interface DeletionRecords {
  /**
   * Deletes the person, its faces, the images that have no other face, and the jobs that name the person by id or external id.
   * `keepJobs` keeps the jobs. Other callers see the person with all its faces, or neither. null when the person does not exist.
   */
  deletePerson(
    tenant: Tenant,
    personId: string,
    options?: WriteOptions & { readonly keepJobs?: boolean },
  ): Promise<{ person: Person; faceIds: string[]; images: Image[]; jobs: Job[] } | null>;
  /** Deletes the face, and its image when the image has no other face. null when the face does not exist. */
  deleteFace(
    tenant: Tenant,
    faceId: string,
    options?: WriteOptions,
  ): Promise<{ face: Face; image: Image | null } | null>;
}
