import type { Tenant } from '../tenant.ts';
import type { Face, Image } from './faces.ts';
import type { Job } from './jobs.ts';
import type { WriteOptions } from './outbox.ts';
import type { Person } from './persons.ts';

/** Deletes persons and faces, with the rows that belong to them. See: [Note: One store of records] */
export interface DeletionRecords {
  /**
   * Deletes the person, its faces, the images that have no other face, and the jobs that name the person by id or external id. Leaves
   * marks of the id and of the photos; `contents` is the number of marked photos. See: [Note: Erased is erased]. Other callers see the
   * person with all its faces, or neither. null when the person does not exist.
   *
   * `undo`: takes back the creation of the person. The jobs stay, nothing is marked, and the id may be used again.
   */
  deletePerson(
    tenant: Tenant,
    personId: string,
    options?: WriteOptions & { readonly undo?: boolean },
  ): Promise<{ person: Person; faceIds: string[]; images: Image[]; jobs: Job[]; contents: number } | null>;
  /**
   * Deletes the face, and its image when the image has no other face. `blocks`: also marks the photo as erased. null when the face does
   * not exist.
   */
  deleteFace(
    tenant: Tenant,
    faceId: string,
    options?: WriteOptions & { readonly blocks?: boolean },
  ): Promise<{ face: Face; image: Image | null } | null>;
}
