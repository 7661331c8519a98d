import { type CaptureZone, captureTimeProblem, offsetBetween } from '../domain/capture-time.ts';
import type { Location } from '../domain/face.ts';

/** Time and place of a photo from its EXIF block. Implausible values are null. */
export interface ExifFacts {
  /** RFC 3339. UTC, except when the zone is `assumed`: then the wall-clock time of an unknown zone, written as UTC. */
  readonly capturedAt: string | null;
  /** Source of the time zone; null when there is no time. */
  readonly capturedAtZone: Exclude<CaptureZone, 'request' | 'tenant'> | null;
  readonly location: Location | null;
}

export const noExif: ExifFacts = { capturedAt: null, capturedAtZone: null, location: null };

/** Loads the EXIF reader. Errors: those of loading. */
export const prepareExif = async (): Promise<void> => void (await loadReader());

const loadReader = async () => (await import('exifr')).default;

/**
 * Reads an EXIF block (with or without the leading `Exif\0\0`). Never throws: an unreadable block gives null for time and place.
 *
 * [Note: Time zone of a photo]
 * Cameras write wall-clock time. The zone comes from the first of these:
 * - `offset`: the offset tag of the time, or the offset tag of another time of the photo: a camera has one clock.
 * - `gps`: the GPS time, which is UTC. It can belong to an old fix. So it sets the zone only if its difference to the wall-clock time is
 *   an offset that exists. Without a wall-clock time, the GPS time is the capture time.
 * - `tenant`: the setting `time_zone` of the tenant. The gallery knows it, not the extractor.
 * - `assumed`: none of them; the wall-clock time is taken as UTC. The error is at most 14 hours, and the same for every photo of a camera.
 * `ModifyDate` is the time of the last edit, so it is not used.
 *
 * @param now milliseconds since the epoch; a time more than a day after it is ignored
 */
export async function readExif(block: Uint8Array, now: number): Promise<ExifFacts> {
  const start = block[0] === 0x45 && block[1] === 0x78 ? 6 : 0;
  try {
    const exifr = await loadReader();
    const tags: Record<string, unknown> | undefined = await exifr.parse(Buffer.from(block.subarray(start)), {
      tiff: true,
      exif: true,
      gps: true,
      ifd1: false,
      interop: false,
      xmp: false,
      reviveValues: false,
      pick: [...timeTags, ...offsetTags, ...gpsTags],
    });
    return tags ? { ...timeOf(tags, now), location: locationOf(tags) } : noExif;
  } catch {
    return noExif;
  }
}

/** Tags of the capture time, the best first, and the tag of the offset of each; then the offset of `ModifyDate`. */
const timeTags = ['DateTimeOriginal', 'CreateDate'];
const offsetTags = ['OffsetTimeOriginal', 'OffsetTimeDigitized', 'OffsetTime'];
const gpsTags = [
  'GPSLatitude',
  'GPSLatitudeRef',
  'GPSLongitude',
  'GPSLongitudeRef',
  'GPSHPositioningError',
  'GPSDateStamp',
  'GPSTimeStamp',
];

function timeOf(tags: Record<string, unknown>, now: number): Omit<ExifFacts, 'location'> {
  const satellite = satelliteTime(tags);
  for (const [i, tag] of timeTags.entries()) {
    const wall = wallTime(tags[tag]);
    if (wall === null) continue;
    const offset = [offsetTags[i]!, ...offsetTags]
      .map((name) => offsetMinutes(tags[name]))
      .find((each) => each !== null);
    const gps = satellite === null ? null : offsetBetween(wall, satellite);
    const minutes = offset ?? gps ?? 0;
    const at = wall - minutes * 60_000;
    if (captureTimeProblem(at, now) !== null) continue;
    const capturedAtZone = offset !== undefined ? 'offset' : gps !== null ? 'gps' : 'assumed';
    return { capturedAt: new Date(at).toISOString(), capturedAtZone };
  }
  return satellite === null || captureTimeProblem(satellite, now) !== null
    ? { capturedAt: null, capturedAtZone: null }
    : { capturedAt: new Date(satellite).toISOString(), capturedAtZone: 'gps' };
}

function satelliteTime({ GPSDateStamp: date, GPSTimeStamp: clock }: Record<string, unknown>): number | null {
  if (!Array.isArray(clock) || clock.length !== 3) return null;
  const digits = clock.map((part) => String(Math.floor(Number(part))).padStart(2, '0'));
  return wallTime(`${date} ${digits.join(':')}`);
}

/** Milliseconds since the epoch of `2008:10:22 16:28:39`, read as UTC. null when the date does not exist. */
function wallTime(value: unknown): number | null {
  const parts = typeof value === 'string' ? /^(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)/.exec(value) : null;
  if (!parts) return null;
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (hour > 23 || minute > 59 || second > 59) return null;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC would turn 31 February into 3 March.
  return new Date(wall).getUTCMonth() === month - 1 && new Date(wall).getUTCDate() === day ? wall : null;
}

/** Minutes of `+02:00` or `Z`; null for another text. */
function offsetMinutes(offset: unknown): number | null {
  if (typeof offset !== 'string') return null;
  if (/^Z/.test(offset)) return 0;
  const parts = /^([+-])(\d\d):?(\d\d)/.exec(offset);
  if (!parts) return null;
  const minutes = Number(parts[2]) * 60 + Number(parts[3]);
  if (minutes > 14 * 60) return null;
  return parts[1] === '-' ? -minutes : minutes;
}

/** null when a coordinate is missing or out of range. Also null for 0, 0, which a receiver without a fix writes. */
function locationOf(tags: Record<string, unknown>): Location | null {
  const lat = degrees(tags.GPSLatitude, tags.GPSLatitudeRef, 'S');
  const lon = degrees(tags.GPSLongitude, tags.GPSLongitudeRef, 'W');
  if (lat === null || lon === null || Math.abs(lat) > 90 || Math.abs(lon) > 180 || (lat === 0 && lon === 0))
    return null;
  const accuracy = tags.GPSHPositioningError;
  return typeof accuracy === 'number' && Number.isFinite(accuracy) && accuracy > 0
    ? { lat, lon, accuracy_m: accuracy }
    : { lat, lon };
}

function degrees(value: unknown, reference: unknown, negative: string): number | null {
  if (!Array.isArray(value) || value.length !== 3 || typeof reference !== 'string') return null;
  const [degree, minute, second] = value.map(Number) as [number, number, number];
  const sum = degree + minute / 60 + second / 3600;
  if (!Number.isFinite(sum) || degree < 0 || minute < 0 || second < 0) return null;
  return reference.startsWith(negative) ? -sum : sum;
}
