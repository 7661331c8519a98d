import { consentProblem } from '../domain/consent.ts';
import { AppError } from '../errors.ts';
import type { Consent, Person } from '../ports/records/persons.ts';

/**
 * [Note: Where consent is required]
 * A tenant may require a consent that is in force (given, and not expired). Then nobody is enrolled without one: a photo of somebody
 * who is not named is refused before it is looked at, since making a template is what needs the consent, and of a group only those
 * faces are kept that belong to somebody who consented. And nobody is named without one: whose consent has expired comes back as
 * unknown from recognition, and not at all from a search, from the moment on at which it expires; the templates stay until the
 * person is erased or consents anew, for an expiry is no wish to be erased. Without the setting a consent is kept and not asked for.
 */

/** Whether somebody may be named. `at`: see TenantRules. */
export const mayBeNamed = ({ consent }: Pick<Person, 'consent'>, at: number | null): boolean =>
  at === null || consentProblem(consent, at) === null;

/** Errors: CONSENT_REQUIRED, which says what is wrong with the consent. */
export function requireConsent(consent: Consent | null, at: number): void {
  const problem = consentProblem(consent, at);
  if (problem === null) return;
  throw new AppError('CONSENT_REQUIRED', {
    message: `The person's consent ${problem}. Put one that is in force on the person, or send it with the enrolment of a new one.`,
    details: [{ field: 'consent', issue: problem }],
  });
}

export const nobodyConsented = () =>
  new AppError('CONSENT_REQUIRED', {
    message: 'Nobody is known to have consented: name the person with person_id or external_id.',
    details: [{ field: 'person_id', issue: 'or external_id, of a person with a consent in force, is required' }],
  });
