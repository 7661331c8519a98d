import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../errors.ts';
import type { NewPerson, Person, PersonChanges } from '../../ports/records/persons.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { Database } from './database.ts';
import { personExists, personRow } from './records-reading.ts';
import { personValues, toPerson } from './records-rows.ts';

/** Inside a transaction. Errors: PERSON_EXISTS, EXTERNAL_ID_TAKEN. */
export function createPerson(database: Database, tenant: Tenant, person: NewPerson, now: number): Person {
  if (personExists(database, tenant, person.personId)) throw new AppError('PERSON_EXISTS');
  insertPerson(database, tenant, person, now);
  return toPerson(personRow(database, tenant, person.personId)!);
}

/** Inside a transaction; the id must be free. Errors: EXTERNAL_ID_TAKEN. */
export function insertPerson(database: Database, tenant: Tenant, person: NewPerson, now: number): void {
  refuseTakenExternalId(database, tenant, person.externalId, person.personId);
  database.run(
    `INSERT INTO persons (tenant, person_id, external_id, name, metadata, consent, created_at, updated_at, version)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)`,
    personValues(tenant, person, now),
  );
}

/** Inside a transaction. The version stays if all values stay the same. Errors: PERSON_NOT_FOUND, EXTERNAL_ID_TAKEN, VERSION_CONFLICT. */
export function updatePerson(
  database: Database,
  tenant: Tenant,
  personId: string,
  changes: PersonChanges,
  version: number | undefined,
  now: number,
): Person {
  const row = personRow(database, tenant, personId);
  if (row === undefined) throw new AppError('PERSON_NOT_FOUND');
  const before = toPerson(row);
  if (version !== undefined && version !== before.version) throw new AppError('VERSION_CONFLICT');

  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const after: Person = { ...before, ...(given as PersonChanges) };
  if (isDeepStrictEqual(before, after)) return before;

  refuseTakenExternalId(database, tenant, after.externalId, personId);
  database.run(
    `UPDATE persons SET external_id = ?, name = ?, metadata = ?, consent = ?, updated_at = max(?, updated_at), version = version + 1
     WHERE tenant = ? AND person_id = ?`,
    [
      after.externalId,
      after.name,
      JSON.stringify(after.metadata),
      after.consent === null ? null : JSON.stringify(after.consent),
      now,
      tenant,
      personId,
    ],
  );
  return toPerson(personRow(database, tenant, personId)!);
}

function refuseTakenExternalId(database: Database, tenant: Tenant, externalId: string | null, personId: string): void {
  if (externalId === null) return;
  const holder = database.get<{ person_id: string }>(
    'SELECT person_id FROM persons WHERE tenant = ? AND external_id = ?',
    [tenant, externalId],
  );
  if (holder !== undefined && holder.person_id !== personId) throw new AppError('EXTERNAL_ID_TAKEN');
}
