import { earthRadius } from '../../../domain/globe.ts';
import type { Tenant } from '../../../ports/tenant.ts';
import type { VectorFilter } from '../../../ports/vectors.ts';

/** Stand for `none` in columns that hold numbers. Comparisons are written so that they never match. */
export const noTime = Number.MIN_SAFE_INTEGER;
export const noDegree = 999;

/**
 * A text as a literal of Milvus' filter language. RangeError for one with control characters.
 *
 * [Note: Filters are built from literals]
 * Milvus' own templates for values do not work everywhere, so values are written into the expression: texts quoted with quotes and
 * backslashes escaped, numbers only when they are finite. Nothing else of a caller gets in.
 */
export function literal(text: string): string {
  // No id has any, and engines differ in how they are written.
  if (/\p{Cc}/u.test(text)) throw new RangeError(`not an id: ${JSON.stringify(text)}`);
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

const list = (texts: readonly string[]): string => `[${texts.map(literal).join(', ')}]`;

function number(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`not a number to filter by: ${value}`);
  return Number.isInteger(value) ? String(BigInt(value)) : value.toFixed(9);
}

/** Everything of a tenant, or its faces of these ids. */
export const ofTenant = (tenant: Tenant, faceIds?: readonly string[]): string =>
  faceIds === undefined
    ? `tenant == ${literal(tenant)}`
    : `tenant == ${literal(tenant)} and face_id in ${list(faceIds)}`;

/**
 * The conditions as an expression. A circle becomes the box around it, so what is found has to be measured once more; see
 * `isInside`.
 */
export function filterExpression(tenant: Tenant, filter: VectorFilter = {}): string {
  const { personIds, assigned, notFaceIds, capturedBetween, near } = filter;
  const conditions = [ofTenant(tenant)];
  if (personIds !== undefined) conditions.push(`person_id in ${list([...new Set(personIds)])}`);
  if (assigned !== undefined) conditions.push(`person_id ${assigned ? '!=' : '=='} ""`);
  if (notFaceIds !== undefined && notFaceIds.length > 0) conditions.push(`face_id not in ${list(notFaceIds)}`);
  if (capturedBetween !== undefined) {
    const { from, to } = capturedBetween;
    const [least, most] = [Math.max(Math.ceil(from), noTime + 1), Math.min(Math.floor(to), Number.MAX_SAFE_INTEGER)];
    conditions.push(`captured_at >= ${number(least)} and captured_at <= ${number(most)}`);
  }
  if (near !== undefined) conditions.push(boxAround(near));
  return conditions.join(' and ');
}

/** A little larger than the circle. Over a pole, or where it reaches around, every longitude is in it. */
function boxAround({ lat, lon, radiusMetres }: NonNullable<VectorFilter['near']>): string {
  const reach = (Math.max(0, radiusMetres) / earthRadius) * (180 / Math.PI) + 1e-6;
  const [south, north] = [lat - reach, lat + reach];
  const onGlobe = `lat >= ${number(Math.max(south, -90))} and lat <= ${number(Math.min(north, 90))}`;
  if (south <= -90 || north >= 90) return onGlobe;
  const sine = Math.sin((reach * Math.PI) / 180) / Math.cos((lat * Math.PI) / 180);
  const width = sine >= 1 ? 180 : (Math.asin(sine) * 180) / Math.PI + 1e-6;
  if (width >= 180) return onGlobe;
  const [west, east] = [lon - width, lon + width];
  if (west < -180) return `${onGlobe} and (lon >= ${number(west + 360)} and lon <= 180 or lon <= ${number(east)})`;
  if (east > 180) return `${onGlobe} and (lon >= ${number(west)} and lon <= 180 or lon <= ${number(east - 360)})`;
  return `${onGlobe} and lon >= ${number(west)} and lon <= ${number(east)}`;
}
