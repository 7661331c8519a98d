/** Why somebody may be recognised, since when, and until when; times in RFC 3339. */
export interface ConsentTerms {
  readonly given_at: string;
  readonly expires_at?: string | undefined;
}

/**
 * What is wrong with a consent at `now` (milliseconds since the epoch), as the end of a sentence; null when it is in force. It is
 * in force from the moment it was given until before the moment it expires.
 */
export function consentProblem(consent: ConsentTerms | null, now: number): string | null {
  if (consent === null) return 'is missing';
  // A time that cannot be read is in no case in force.
  if (!(Date.parse(consent.given_at) <= now)) return `begins at ${consent.given_at}`;
  if (consent.expires_at !== undefined && !(Date.parse(consent.expires_at) > now))
    return `expired at ${consent.expires_at}`;
  return null;
}

/**
 * How long an answer that names people of these consents is true, in milliseconds: until the first of them expires, at most
 * `longest`.
 */
export function consentHolds(consents: readonly (ConsentTerms | null)[], now: number, longest: number): number {
  const ends = consents.flatMap((consent) =>
    consent?.expires_at === undefined ? [] : [Date.parse(consent.expires_at) - now],
  );
  return Math.min(longest, ...ends);
}
