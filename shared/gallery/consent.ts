import { consentProblem } from '../domain/consent.ts';
import { AppError } from '../errors.ts';
import type { Consent, Person } from '../ports/records/persons.ts';

/**
 * [Note: Required consent]
 * A tenant may require a consent that is in force (given, and not expired). Then two rules apply:
 * - No person is enrolled without a consent. A photo that names no person is refused before any face is extracted, because making a
 *   template is the step that needs the consent. From a group photo, only faces of persons with a consent are stored.
 * - No person is named without a consent. As soon as a consent expires, recognition returns the person as unknown, and a search does not
 *   return the person. The templates stay: an expired consent is not a request for erasure, and the person may give a new consent.
 * Without the setting, a consent is stored but not required.
 */

/** Whether a result may name the person. `at`: `consentAt` of TenantRules. */
export const mayBeNamed = ({ consent }: Pick<Person, 'consent'>, at: number | null): boolean =>
  at === null || consentProblem(consent, at) === null;

/** Errors: CONSENT_REQUIRED; its details name the problem. */
export function requireConsent(consent: Consent | null, at: number): void {
  const problem = consentProblem(consent, at);
  if (problem === null) return;
  throw new AppError('CONSENT_REQUIRED', {
    message: `The person's consent ${problem}. Store a valid consent for the person, or send one when you enrol a new person.`,
    details: [{ field: 'consent', issue: problem }],
  });
}

export const noKnownConsent = () =>
  new AppError('CONSENT_REQUIRED', {
    message: 'No consent is known for this photo. Name a person who has a consent, with person_id or external_id.',
    details: [{ field: 'person_id', issue: 'is required, or external_id, of a person whose consent is in force' }],
  });
