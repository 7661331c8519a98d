import { imageIdOf } from '../domain/ids.ts';
import type { Usage } from '../ports/records/usage.ts';
import { noKnownConsent, requireConsent } from './consent.ts';
import type { AcceptedFace, Enrolment, RequestedEnrolment } from './enrolment.ts';
import { checkQuota } from './quota.ts';
import { type ResolvedPerson, resolvePerson } from './resolve-person.ts';

/**
 * Rejects a request that must fail for any content of the photo: the tenant requires a consent, or has no room for one more face.
 * A photo that is already stored may add nothing, so the quota does not reject it here. Errors: CONSENT_REQUIRED, QUOTA_EXCEEDED,
 * EXTERNAL_ID_TAKEN.
 */
export async function checkBeforeExtraction(work: RequestedEnrolment): Promise<void> {
  const { rules, call, ports } = work;
  if (rules.consentAt !== null) await refuseWithoutConsent(work, rules.consentAt);
  const addedAtLeast = async () => {
    const bytes = await newBytes(work);
    return bytes === 0 ? {} : { faces: 1, bytes };
  };
  await checkQuota(call.tenant, rules.quota, addedAtLeast, ports, { signal: call.signal });
}

/** See: [Note: Required consent] */
async function refuseWithoutConsent(
  { request: { person, autoAssociate }, call, ports }: RequestedEnrolment,
  consentAt: number,
): Promise<void> {
  if (person !== null) requireConsent((await resolvePerson(person, call, ports.records)).consent, consentAt);
  // With autoAssociate, the face may match a person who consented.
  else if (!autoAssociate) throw noKnownConsent();
}

/** Errors: QUOTA_EXCEEDED. */
export async function checkEnrolmentQuota(
  person: ResolvedPerson | null,
  accepted: readonly AcceptedFace[],
  work: Enrolment,
): Promise<void> {
  const { rules, call, ports } = work;
  await checkQuota(call.tenant, rules.quota, () => added(person, accepted, work), ports, { signal: call.signal });
}

/** The amounts that this enrolment adds. Existing rows and files do not count, so a repeated request is never rejected. */
async function added(
  person: ResolvedPerson | null,
  accepted: readonly AcceptedFace[],
  work: Enrolment,
): Promise<Partial<Usage>> {
  const { call, ports } = work;
  const ids = accepted.map(({ face }) => face.faceId);
  const known = await ports.records.getFaces(call.tenant, ids, { signal: call.signal });
  return {
    persons: person?.create == null ? 0 : 1,
    faces: ids.length - known.length,
    bytes: await newBytes(work),
  };
}

/** Bytes of the image; 0 if the image is already stored. */
async function newBytes({
  request: { image },
  digest,
  call: { tenant, signal },
  ports: { records },
}: RequestedEnrolment): Promise<number> {
  const known = await records.getImage(tenant, imageIdOf(tenant, digest), { signal });
  return known === null ? image.length : 0;
}
