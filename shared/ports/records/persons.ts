import type { JsonObject } from '../json.ts';
import type { Page, PageOptions } from '../pages.ts';
import type { CallOptions, Tenant } from '../tenant.ts';
import type { WriteOptions } from './outbox.ts';

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

/** Who somebody is, without what is counted: that costs a read for each person more. */
export type Identity = Pick<Person, 'personId' | 'externalId' | 'name' | 'consent'>;

/** Persons. See: [Note: One store of records] */
export interface PersonRecords {
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
}
