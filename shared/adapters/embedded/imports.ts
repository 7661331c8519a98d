import { AppError } from '../../errors.ts';
import type { AccountsImport, AuditImport, Imports, RecordsImport, WebhooksImport } from '../../ports/imports.ts';
import type { Face, Image } from '../../ports/records/faces.ts';
import type { Job } from '../../ports/records/jobs.ts';
import type { Person } from '../../ports/records/persons.ts';
import type { Tenant } from '../../ports/tenant.ts';
import { erasedElsewhere, otherErasureKey, personOfMark } from '../erasure-marks.ts';
import { insertEntry } from './audit.ts';
import { lastEntry } from './audit-reading.ts';
import type { Database, Value } from './database.ts';
import * as letters from './records-dead-letters.ts';
import { erasureKey, mark, refuseErasedPerson, setErasureKey } from './records-erasures.ts';
import { personExists } from './records-reading.ts';
import { faceValues, imageValues } from './records-rows.ts';
import * as uploads from './records-uploads.ts';
import { openStoreDatabase, type StoreName } from './store-database.ts';
import type { StoreOptions } from './store-options.ts';

/** Imports into a data folder that no process uses. See: [Note: Rows as they are] */
export async function openImports(options: StoreOptions): Promise<Imports> {
  const closes: (() => void)[] = [];
  const open = async (name: StoreName): Promise<Database> => {
    const { database, close } = await openStoreDatabase(options, name, (opened) => opened);
    closes.push(close);
    return database;
  };
  const close = async () => {
    for (const each of closes.splice(0).reverse()) each();
  };
  try {
    return {
      records: recordsIn(await open('records')),
      accounts: accountsIn(await open('accounts')),
      webhooks: webhooksIn(await open('webhooks')),
      audit: auditIn(await open('audit')),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Inserts the row, or replaces the row with the same key. */
function put(database: Database, table: string, key: readonly string[], row: Readonly<Record<string, Value>>): void {
  const columns = Object.keys(row);
  const rest = columns.filter((column) => !key.includes(column));
  database.run(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
     ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${rest.map((column) => `${column} = excluded.${column}`).join(', ')}`,
    Object.values(row),
  );
}

const orNull = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

/** A violated unique index becomes `code`. */
async function taken<Value>(code: 'EXTERNAL_ID_TAKEN' | 'USER_EXISTS', write: () => Value): Promise<Value> {
  try {
    return write();
  } catch (error) {
    const isTaken = error instanceof Error && /UNIQUE constraint failed/.test(error.message);
    throw isTaken ? new AppError(code, { cause: error }) : error;
  }
}

const recordsIn = (database: Database): RecordsImport => ({
  erasureKey: async (key) =>
    database.transaction(() => {
      const own = erasureKey(database);
      if (own === null) setErasureKey(database, key);
      else if (own !== key) throw otherErasureKey();
    }),
  erasure: async (tenant, { subject, at }) =>
    database.transaction(() => {
      const personId = personOfMark(subject);
      if (personId !== null && personExists(database, tenant, personId)) throw erasedElsewhere(personId);
      mark(database, tenant, subject, at);
    }),
  person: (tenant, person) =>
    taken('EXTERNAL_ID_TAKEN', () => {
      refuseErasedPerson(database, tenant, person.personId);
      put(database, 'persons', ['tenant', 'person_id'], personRow(tenant, person));
    }),
  image: async (tenant, image, faces) =>
    database.transaction(() => {
      put(database, 'images', ['tenant', 'image_id'], imageRow(tenant, image));
      database.run(
        'DELETE FROM faces WHERE tenant = ? AND image_id = ? AND face_id NOT IN (SELECT value FROM json_each(?))',
        [tenant, image.imageId, JSON.stringify(faces.map(({ faceId }) => faceId))],
      );
      for (const face of faces) put(database, 'faces', ['tenant', 'face_id'], faceRow(tenant, face));
    }),
  job: async (tenant, job) => put(database, 'jobs', ['tenant', 'job_id'], jobRow(tenant, job)),
  deadLetter: async (tenant, letter) => void letters.saveDeadLetter(database, tenant, letter),
  upload: async (tenant, upload) => void uploads.saveUpload(database, tenant, upload),
});

const personRow = (tenant: Tenant, person: Person): Record<string, Value> => ({
  tenant,
  person_id: person.personId,
  external_id: person.externalId,
  name: person.name,
  metadata: JSON.stringify(person.metadata),
  consent: orNull(person.consent),
  created_at: person.createdAt,
  updated_at: person.updatedAt,
  version: person.version,
});

const named = (columns: readonly string[], values: readonly Value[]): Record<string, Value> =>
  Object.fromEntries(columns.map((column, index) => [column, values[index]!]));

const place = ['captured_at', 'latitude', 'longitude', 'accuracy_m', 'source_id'];
const imageColumns = ['tenant', 'image_id', 'digest', 'blob_key', 'content_type', 'bytes', 'width', 'height', ...place];
const faceColumns = [
  'tenant',
  'face_id',
  'person_id',
  'image_id',
  'pack',
  'space',
  'detection',
  ...place,
  'similarity',
];

const imageRow = (tenant: Tenant, image: Image): Record<string, Value> => ({
  ...named([...imageColumns, 'created_at'], imageValues(tenant, image, image.createdAt)),
  expired_at: image.expiredAt,
});

const faceRow = (tenant: Tenant, face: Face): Record<string, Value> =>
  named([...faceColumns, 'created_at'], faceValues(tenant, face, face.imageId, face.createdAt));

const jobRow = (tenant: Tenant, job: Job): Record<string, Value> => ({
  tenant,
  job_id: job.jobId,
  face_id: job.faceId,
  priority: job.priority,
  status: job.status,
  person_id: job.personId,
  external_id: job.externalId,
  image_key: job.imageKey,
  request: orNull(job.request),
  webhook_url: job.webhookUrl,
  attempts: job.attempts,
  failures: job.failures ?? 0,
  under_way_since: job.underWaySince ?? null,
  result: orNull(job.result),
  error: orNull(job.error),
  created_at: job.createdAt,
  started_at: job.startedAt,
  finished_at: job.finishedAt,
  batch_id: job.batchId,
  item: job.item,
});

const accountsIn = (database: Database): AccountsImport => ({
  tenant: async ({ tenant, name, quota, consentRequired, retention, timeZone, createdAt, updatedAt, version }) =>
    put(database, 'tenants', ['tenant'], {
      tenant,
      name,
      quota: JSON.stringify(quota),
      consent_required: consentRequired ? 1 : 0,
      retention: JSON.stringify(retention),
      time_zone: timeZone,
      created_at: createdAt,
      updated_at: updatedAt,
      version,
    }),
  user: (tenant, user) =>
    taken('USER_EXISTS', () =>
      put(database, 'users', ['tenant', 'user_id'], {
        tenant,
        user_id: user.userId,
        username: user.username,
        name: user.name,
        role: user.role,
        password_hash: user.passwordHash,
        disabled: user.disabled ? 1 : 0,
        ends_with: user.endsWith,
        created_at: user.createdAt,
        updated_at: user.updatedAt,
        version: user.version,
      }),
    ),
  apiKey: async (tenant, key) =>
    put(database, 'api_keys', ['tenant', 'key_id'], {
      tenant,
      key_id: key.keyId,
      name: key.name,
      scopes: JSON.stringify(key.scopes),
      secret_digest: key.secretDigest,
      created_by: key.createdBy,
      ends_with: key.endsWith,
      created_at: key.createdAt,
      expires_at: key.expiresAt,
      revoked_at: key.revokedAt,
    }),
  signingKey: async (key) =>
    put(database, 'signing_keys', ['key_id'], {
      key_id: key.keyId,
      algorithm: key.algorithm,
      private_jwk: key.privateJwk,
      public_jwk: key.publicJwk,
      created_at: key.createdAt,
    }),
});

const webhooksIn = (database: Database): WebhooksImport => ({
  webhook: async (tenant, webhook) =>
    put(database, 'webhooks', ['tenant', 'webhook_id'], {
      tenant,
      webhook_id: webhook.webhookId,
      url: webhook.url,
      description: webhook.description,
      types: JSON.stringify(webhook.types),
      secrets: JSON.stringify(webhook.secrets),
      disabled: webhook.disabled,
      created_by: webhook.createdBy,
      created_at: webhook.createdAt,
      updated_at: webhook.updatedAt,
      version: webhook.version,
    }),
});

/** A tenant has one chain in embedded mode. An installation with several processes has more; entries of these return false. */
const auditIn = (database: Database): AuditImport => ({
  entries: async (tenant, entries) =>
    database.transaction(() => {
      for (const entry of entries) {
        const last = lastEntry(database, tenant);
        if (last !== undefined && last.chain !== entry.chain) return false;
        if (last !== undefined && entry.sequence <= last.sequence) continue;
        insertEntry(database, tenant, entry);
      }
      return true;
    }),
});
