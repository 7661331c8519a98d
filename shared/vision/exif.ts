import type { Location } from '../domain/face.ts';

/** Time and place of a photo from its EXIF block. Implausible values are null. */
export interface ExifFacts {
  /** RFC 3339, UTC. */
  readonly capturedAt: string | null;
  readonly location: Location | null;
}

const nothing: ExifFacts = { capturedAt: null, location: null };

/**
 * Reads an EXIF block (with or without the leading `Exif\0\0`). Never throws: an unreadable block gives null for time and place.
 *
 * [Note: Time without a time zone]
 * Cameras write wall-clock time; only newer cameras also write the offset from UTC. Without an offset, the wall-clock time is taken
 * as UTC. The error is at most 14 hours. It is the same for every photo of a camera, so the order of its photos stays right. The GPS
 * time is UTC but can belong to an old fix, so it is used only when the camera wrote no time.
 *
 * @param now milliseconds since the epoch; a time more than a day after it is ignored
 */
export async function readExif(block: Uint8Array, now: number): Promise<ExifFacts> {
  const start = block[0] === 0x45 && block[1] === 0x78 ? 6 : 0;
  try {
    const { default: exifr } = await import('exifr');
    const tags: Record<string, unknown> | undefined = await exifr.parse(Buffer.from(block.subarray(start)), {
      tiff: true,
      exif: true,
      gps: true,
      ifd1: false,
      interop: false,
      xmp: false,
      reviveValues: false,
      pick: [...timeTags.flat(), ...offsetTags, ...gpsTags],
    });
    return tags ? { capturedAt: timeOf(tags, now + 86_400_000), location: locationOf(tags) } : nothing;
  } catch {
    return nothing;
  }
}

/** Tags of times with the tags of their offsets, the best first. */
const timeTags = [
  ['DateTimeOriginal', 'OffsetTimeOriginal'],
  ['CreateDate', 'OffsetTimeDigitized'],
  ['ModifyDate', 'OffsetTime'],
] as const;
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

function timeOf(tags: Record<string, unknown>, latest: number): string | null {
  for (const [tag, offsetTag] of timeTags) {
    const time = rfc3339(tags[tag], tags[offsetTag], latest);
    if (time) return time;
  }
  const clock = tags.GPSTimeStamp;
  if (!Array.isArray(clock) || clock.length !== 3) return null;
  const digits = clock.map((part) => String(Math.floor(Number(part))).padStart(2, '0'));
  return rfc3339(`${tags.GPSDateStamp} ${digits.join(':')}`, '+00:00', latest);
}

/**
 * Converts `2008:10:22 16:28:39` and `+02:00` to UTC. null when the date does not exist, is before 1826 (the year of the first
 * photograph) or after `latest`.
 */
function rfc3339(value: unknown, offset: unknown, latest: number): string | null {
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
  if (year < 1826 || hour > 23 || minute > 59 || second > 59) return null;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC would turn 31 February into 3 March.
  if (new Date(wall).getUTCMonth() !== month - 1 || new Date(wall).getUTCDate() !== day) return null;
  const moment = wall - offsetMinutes(offset) * 60_000;
  return moment > latest ? null : new Date(moment).toISOString();
}

function offsetMinutes(offset: unknown): number {
  const parts = typeof offset === 'string' ? /^([+-])(\d\d):(\d\d)/.exec(offset) : null;
  if (!parts) return 0;
  const minutes = Number(parts[2]) * 60 + Number(parts[3]);
  return minutes > 14 * 60 ? 0 : parts[1] === '-' ? -minutes : minutes;
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
