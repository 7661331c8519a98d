import { earthRadius } from '../../../domain/globe.ts';
import type { Tenant } from '../../../ports/tenant.ts';
import type { VectorFilter } from '../../../ports/vectors.ts';

/** Values for "unknown" in number columns. No comparison of a filter matches them. */
export const noTime = Number.MIN_SAFE_INTEGER;
export const noDegree = 999;

/**
 * Quotes a text as a literal of Milvus' filter language. Errors: RangeError for control characters.
 *
 * [Note: Filters are built from literals]
 * Milvus' templates for values do not work everywhere, for example not in Milvus Lite. So the values are written into the expression. A
 * text is quoted, with quotes and backslashes escaped. A number must be finite. No other input of a caller becomes part of an expression.
 */
export function literal(text: string): string {
  // Ids never have control characters, and engines escape them differently.
  if (/\p{Cc}/u.test(text)) throw new RangeError(`an id must not have control characters: ${JSON.stringify(text)}`);
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

const list = (texts: readonly string[]): string => `[${texts.map(literal).join(', ')}]`;

function number(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`a filter needs finite numbers, not ${value}`);
  return Number.isInteger(value) ? String(BigInt(value)) : value.toFixed(9);
}

/** Matches all rows of a tenant, or only those with these face ids. */
export const ofTenant = (tenant: Tenant, faceIds?: readonly string[]): string =>
  faceIds === undefined
    ? `tenant == ${literal(tenant)}`
    : `tenant == ${literal(tenant)} and face_id in ${list(faceIds)}`;

/**
 * Builds the filter expression. A circle becomes its bounding box, so the caller must check the distance of each hit; see
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

/** Bounding box, slightly larger than the circle. It has every longitude when the circle includes a pole or is too wide. */
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
