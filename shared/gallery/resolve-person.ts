import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Consent, NewPerson } from '../ports/records/persons.ts';
import type { PersonClaim } from './enrolment.ts';

export interface ResolvedPerson {
  readonly personId: string;
  readonly consent: Consent | null;
  /** The person to create; null if the person exists. */
  readonly create: NewPerson | null;
}

/** Finds the person that a request names, or describes the one to create. Errors: EXTERNAL_ID_TAKEN. */
export async function resolvePerson(
  claim: PersonClaim,
  call: CallContext,
  records: Ports['records'],
): Promise<ResolvedPerson> {
  const { tenant, signal } = call;
  const { personId, externalId } = claim;
  const [byExternalId] =
    externalId === undefined ? [] : await records.getIdentities(tenant, { externalIds: [externalId] }, { signal });
  const [byId] =
    personId === undefined ? [] : await records.getIdentities(tenant, { personIds: [personId] }, { signal });
  if (byExternalId !== undefined && personId !== undefined && byExternalId.personId !== personId)
    throw externalIdTaken(externalId);
  if (byId !== undefined && externalId !== undefined && byId.externalId !== externalId) {
    throw new AppError('EXTERNAL_ID_TAKEN', {
      message: 'The person has another external_id.',
      details: [{ field: 'external_id', issue: `is not the external_id of person ${personId}` }],
    });
  }
  const existing = byId ?? byExternalId;
  if (existing !== undefined) return { personId: existing.personId, consent: existing.consent, create: null };
  const id = personId ?? call.newId();
  const { name = null, metadata = {}, consent = null } = claim;
  return { personId: id, consent, create: { personId: id, externalId: externalId ?? null, name, metadata, consent } };
}

const externalIdTaken = (externalId: string | undefined) =>
  new AppError('EXTERNAL_ID_TAKEN', {
    details: [{ field: 'external_id', issue: `${JSON.stringify(externalId)} belongs to another person` }],
  });
