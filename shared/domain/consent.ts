/** Period of a person's consent to recognition. Times are RFC 3339. No `expires_at`: the consent does not expire. */
export interface ConsentTerms {
  readonly given_at: string;
  readonly expires_at?: string | undefined;
}

/**
 * Checks a consent at `now` (milliseconds since the epoch). Returns the problem as the end of a sentence; null when the consent is in
 * force. It is in force from `given_at` inclusive to `expires_at` exclusive.
 */
export function consentProblem(consent: ConsentTerms | null, now: number): string | null {
  if (consent === null) return 'is missing';
  // With an unreadable time, the comparison is false and the consent is not in force.
  if (!(Date.parse(consent.given_at) <= now)) return `begins at ${consent.given_at}`;
  if (consent.expires_at !== undefined && !(Date.parse(consent.expires_at) > now))
    return `expired at ${consent.expires_at}`;
  return null;
}

/**
 * Returns how long a response that names people with these consents stays valid, in milliseconds: until the first consent expires, at
 * most `longest`.
 */
export function consentHolds(consents: readonly (ConsentTerms | null)[], now: number, longest: number): number {
  const ends = consents.flatMap((consent) =>
    consent?.expires_at === undefined ? [] : [Date.parse(consent.expires_at) - now],
  );
  return Math.min(longest, ...ends);
}
