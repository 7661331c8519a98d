import type { ApiKey, SigningKey, TenantRecord, User } from './accounts.ts';
import type { AuditEntry } from './audit.ts';
import type { StoredDeadLetter } from './records/dead-letters.ts';
import type { Face, Image } from './records/faces.ts';
import type { Job } from './records/jobs.ts';
import type { Person } from './records/persons.ts';
import type { Upload } from './records/uploads.ts';
import type { Tenant } from './tenant.ts';
import type { Webhook } from './webhooks.ts';

/**
 * Copies rows from another installation, with their ids, times and versions.
 *
 * [Note: Rows as they are]
 * The other ports set the times and versions of rows. That is right for new rows and wrong for a copy. So the tool that migrates an
 * installation from one engine to another reads through the other ports and writes through this one. An existing row is overwritten. The
 * same row again changes nothing. No event is written. No other process may use the stores during the import.
 */
export interface Imports {
  readonly records: RecordsImport;
  readonly accounts: AccountsImport;
  readonly webhooks: WebhooksImport;
  readonly audit: AuditImport;
  close(): Promise<void>;
}

export interface RecordsImport {
  /** Errors: EXTERNAL_ID_TAKEN when another person has the external id. */
  person(tenant: Tenant, person: Person): Promise<void>;
  /** Writes the image with all its faces; other faces of the image are deleted. The persons of the faces must exist. */
  image(tenant: Tenant, image: Image, faces: readonly Face[]): Promise<void>;
  job(tenant: Tenant, job: Job): Promise<void>;
  deadLetter(tenant: Tenant, letter: StoredDeadLetter): Promise<void>;
  upload(tenant: Tenant, upload: Upload): Promise<void>;
}

/** Sessions are not copied: users have to log in again. */
export interface AccountsImport {
  tenant(tenant: TenantRecord): Promise<void>;
  /** Errors: USER_EXISTS when another user has the username. */
  user(tenant: Tenant, user: User): Promise<void>;
  apiKey(tenant: Tenant, key: ApiKey): Promise<void>;
  /** Existing keys are kept. */
  signingKey(key: SigningKey): Promise<void>;
}

export interface WebhooksImport {
  webhook(tenant: Tenant, webhook: Webhook): Promise<void>;
}

export interface AuditImport {
  /** Writes consecutive entries of one chain. Resolves to false when this log cannot store the chain. */
  entries(tenant: Tenant, entries: readonly AuditEntry[]): Promise<boolean>;
}
