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

/**
 * Source of the time zone of a capture time. `request`: the client sent the time; `offset`, `gps`: the photo has its offset or a GPS
 * time; `tenant`: the time zone of the tenant; `assumed`: none of them, the wall-clock time is taken as UTC.
 */
export const captureZones = ['request', 'offset', 'gps', 'tenant', 'assumed'] as const;
export type CaptureZone = (typeof captureZones)[number];

/** When a photo was taken. */
export interface CaptureTime {
  /** Milliseconds since the epoch; null: not known. */
  readonly at: number | null;
  /** null: `at` is null. */
  readonly zone: CaptureZone | null;
}

/**
 * The capture time of a photo in the gallery.
 *
 * @param sent the time from the request, in milliseconds since the epoch
 * @param photo the time from the photo, RFC 3339, and its zone
 * @param timeZone IANA name of the tenant's time zone
 */
export function captureTimeOf(
  sent: number | null,
  photo: { readonly capturedAt: string | null; readonly capturedAtZone: CaptureZone | null },
  timeZone: string | null,
): CaptureTime {
  if (sent !== null) return { at: sent, zone: 'request' };
  if (photo.capturedAt === null) return { at: null, zone: null };
  const at = Date.parse(photo.capturedAt);
  if (photo.capturedAtZone !== 'assumed' || timeZone === null) return { at, zone: photo.capturedAtZone ?? 'assumed' };
  return { at: wallTimeIn(timeZone, at), zone: 'tenant' };
}

/**
 * Milliseconds since the epoch at which the clocks of a time zone show a wall-clock time.
 *
 * @param wall the wall-clock time, as if it were UTC. A time that clocks skip or show twice gives one of the two possible moments.
 */
export function wallTimeIn(timeZone: string, wall: number): number {
  const offsetAt = (moment: number) => clockAt(timeZone, moment) - moment;
  const guess = wall - offsetAt(wall);
  return wall - offsetAt(guess);
}

/** Whether `name` is an IANA time zone that this machine knows. An offset such as `+02:00` is none: it has no summer time. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The wall-clock time in a zone, as if it were UTC, in whole seconds as EXIF has it. */
function clockAt(timeZone: string, moment: number): number {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  const seconds = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return seconds + (((moment % 1000) + 1000) % 1000);
}

/**
 * Minutes that a wall-clock time is ahead of UTC, by a GPS time of the same photo. null when the difference is no offset of a time zone:
 * those are multiples of 15 minutes from -12 to +14 hours. The two clocks may differ by two minutes.
 */
export function offsetBetween(wall: number, utc: number): number | null {
  const quarter = 15 * 60_000;
  const offset = Math.round((wall - utc) / quarter) * 15;
  const isOffset = Math.abs(wall - utc - offset * 60_000) <= 2 * 60_000 && offset >= -12 * 60 && offset <= 14 * 60;
  return isOffset ? offset + 0 : null;
}
