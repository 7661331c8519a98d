import type { Tenant } from '../tenant.ts';
import type { Face, Image } from './faces.ts';
import type { Job } from './jobs.ts';
import type { WriteOptions } from './outbox.ts';
import type { Person } from './persons.ts';

/** Deletes persons and faces with everything that belongs to them. See: [Note: One store of records] */
export interface DeletionRecords {
  /**
   * Removes the person, its faces, images that no remaining face is on, and, unless `keepJobs`, the jobs that name it. null when
   * there is none.
   */
  deletePerson(
    tenant: Tenant,
    personId: string,
    options?: WriteOptions & { readonly keepJobs?: boolean },
  ): Promise<{ person: Person; faceIds: string[]; images: Image[]; jobs: Job[] } | null>;
  /** Removes the face, and its image when no other face is on it. null when there is none. */
  deleteFace(
    tenant: Tenant,
    faceId: string,
    options?: WriteOptions,
  ): Promise<{ face: Face; image: Image | null } | null>;
}
