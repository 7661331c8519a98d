import type { JsonObject } from '../json.ts';
import type { Page, PageOptions } from '../pages.ts';
import type { CallOptions, Tenant } from '../tenant.ts';
import type { WriteOptions } from './outbox.ts';

export interface Consent {
  readonly basis: string;
  /** RFC 3339. */
  readonly given_at: string;
  /** RFC 3339; absent: the consent does not expire. */
  readonly expires_at?: string | undefined;
}

export interface Person {
  readonly personId: string;
  /** Unique in the tenant. */
  readonly externalId: string | null;
  readonly name: string | null;
  readonly metadata: JsonObject;
  readonly consent: Consent | null;
  /**
   * Computed from the stored faces. For each image, only the space with the most faces counts, so a face that was enrolled with
   * several packs counts once.
   */
  readonly faceCount: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Milliseconds since the epoch. */
  readonly updatedAt: number;
  /** Starts at 1; each change of name, metadata, externalId or consent adds 1. */
  readonly version: number;
}

export type NewPerson = Pick<Person, 'personId' | 'externalId' | 'name' | 'metadata' | 'consent'>;
export type PersonChanges = Partial<Pick<Person, 'externalId' | 'name' | 'metadata' | 'consent'>>;

/** A person without `faceCount`, which costs one more read for each person. */
export type Identity = Pick<Person, 'personId' | 'externalId' | 'name' | 'consent'>;

/** Persons. See: [Note: One store of records] */
export interface PersonRecords {
  /** Errors: PERSON_EXISTS, EXTERNAL_ID_TAKEN. Of concurrent calls with one external id, exactly one succeeds. */
  createPerson(tenant: Tenant, person: NewPerson, options?: WriteOptions): Promise<Person>;
  /** In no particular order; unknown ids are skipped. At most 1000 ids. */
  getPersons(tenant: Tenant, personIds: readonly string[], options?: CallOptions): Promise<Person[]>;
  /** In no particular order; unknown ids are skipped. At most 1000 ids. */
  getPersonsByExternalIds(tenant: Tenant, externalIds: readonly string[], options?: CallOptions): Promise<Person[]>;
  /** In no particular order; unknown ids are skipped. At most 1000 ids. */
  getIdentities(
    tenant: Tenant,
    of: { readonly personIds: readonly string[] } | { readonly externalIds: readonly string[] },
    options?: CallOptions,
  ): Promise<Identity[]>;
  /**
   * Oldest first. A person that exists during the whole listing is returned exactly once, also while others are created
   * and deleted.
   */
  listPersons(tenant: Tenant, options: PageOptions): Promise<Page<Person>>;
  /**
   * Changes the given fields only. An update with the stored values changes neither `version` nor `updatedAt`. Errors:
   * PERSON_NOT_FOUND, EXTERNAL_ID_TAKEN, VERSION_CONFLICT when `version` is given and is not the stored version.
   */
  updatePerson(
    tenant: Tenant,
    personId: string,
    changes: PersonChanges,
    options?: WriteOptions & { version?: number | undefined },
  ): Promise<Person>;
}
