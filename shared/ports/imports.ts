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
 * Writes rows as they are elsewhere, with their ids, times and versions.
 *
 * [Note: Rows as they are]
 * The ports give rows their times and versions, which is right for everything that happens and wrong for a copy. So what carries an
 * installation from one engine to another reads through the ports and writes through this. A row that is there is made the same; the
 * same again changes nothing; no event goes out. Nobody else works on the stores meanwhile.
 */
export interface Imports {
  readonly records: RecordsImport;
  readonly accounts: AccountsImport;
  readonly webhooks: WebhooksImport;
  readonly audit: AuditImport;
  close(): Promise<void>;
}

export interface RecordsImport {
  /** Errors: EXTERNAL_ID_TAKEN by somebody else. */
  person(tenant: Tenant, person: Person): Promise<void>;
  /** With the faces on it, all of them. Persons that they name are there. */
  image(tenant: Tenant, image: Image, faces: readonly Face[]): Promise<void>;
  job(tenant: Tenant, job: Job): Promise<void>;
  deadLetter(tenant: Tenant, letter: StoredDeadLetter): Promise<void>;
  upload(tenant: Tenant, upload: Upload): Promise<void>;
}

/** Sessions are not carried: whoever was logged in logs in again. */
export interface AccountsImport {
  tenant(tenant: TenantRecord): Promise<void>;
  /** Errors: USER_EXISTS when another one has the name. */
  user(tenant: Tenant, user: User): Promise<void>;
  apiKey(tenant: Tenant, key: ApiKey): Promise<void>;
  /** Beside those that are there. */
  signingKey(key: SigningKey): Promise<void>;
}

export interface WebhooksImport {
  webhook(tenant: Tenant, webhook: Webhook): Promise<void>;
}

export interface AuditImport {
  /** Consecutive entries of one chain. false: this log has no room for the chain. */
  entries(tenant: Tenant, entries: readonly AuditEntry[]): Promise<boolean>;
}
