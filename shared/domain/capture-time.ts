const day = 24 * 60 * 60 * 1000;
/** Year of the oldest preserved photograph. */
const firstPhotograph = Date.UTC(1826, 0, 1);

/**
 * Checks the capture time of a photo. Returns the problem as the end of a sentence that starts with the field's name; null when the
 * time is plausible. A time up to one day in the future is accepted, because some cameras do not know their time zone.
 *
 * @param at milliseconds since the epoch
 * @param now the server's time, in milliseconds since the epoch
 */
export function captureTimeProblem(at: number, now: number): string | null {
  if (at > now + day) return `must not be more than a day after the server's time, ${new Date(now).toISOString()}`;
  if (at < firstPhotograph) return 'must not be before 1826, the year of the first photograph';
  return null;
}
