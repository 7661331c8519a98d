const day = 24 * 60 * 60 * 1000;
/** The year of the first photograph that is kept. */
const firstPhotograph = Date.UTC(1826, 0, 1);

/**
 * What is wrong with a time at which a photo is said to have been taken, as the end of a sentence that begins with the
 * field's name; null: nothing. A day ahead is let pass, for cameras that do not know their time zone.
 *
 * @param at milliseconds since the epoch
 * @param now the server's time, in the same
 */
export function captureTimeProblem(at: number, now: number): string | null {
  if (at > now + day) return `must not lie more than a day ahead of the server's time, ${new Date(now).toISOString()}`;
  if (at < firstPhotograph) return 'must not lie before 1826, the year of the first photograph';
  return null;
}
