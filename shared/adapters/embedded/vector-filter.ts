import type { VectorFilter } from '../../ports/vectors.ts';
import type { Gallery } from './vector-gallery.ts';

/** Mean radius of the earth in metres. */
const earthRadius = 6_371_008.8;
const radians = Math.PI / 180;

/** Says of a slot whether its face is there and meets every condition; persons are left to the caller. */
export function slotFilter(gallery: Gallery, filter: VectorFilter | undefined): (slot: number) => boolean {
  const { faceId, personId, capturedAt, latitude, longitude } = gallery.columns;
  const { assigned, notFaceIds, capturedBetween, near } = filter ?? {};
  const excluded = notFaceIds === undefined || notFaceIds.length === 0 ? undefined : new Set(notFaceIds);

  if (assigned === undefined && excluded === undefined && capturedBetween === undefined && near === undefined) {
    return (slot) => faceId[slot] !== null;
  }
  return (slot) => {
    const id = faceId[slot];
    if (id === null || id === undefined) return false;
    if (assigned !== undefined && (personId[slot] !== null) !== assigned) return false;
    if (excluded?.has(id)) return false;
    // Comparisons with NaN are false, so an unknown time or place never matches.
    if (capturedBetween !== undefined) {
      const at = capturedAt[slot]!;
      if (!(at >= capturedBetween.from && at <= capturedBetween.to)) return false;
    }
    if (near !== undefined) {
      return distanceMetres(near.lat, near.lon, latitude[slot]!, longitude[slot]!) <= near.radiusMetres;
    }
    return true;
  };
}

/** Great-circle distance by the haversine formula; NaN when a coordinate is. */
function distanceMetres(latA: number, lonA: number, latB: number, lonB: number): number {
  const sinLat = Math.sin(((latB - latA) * radians) / 2);
  const sinLon = Math.sin(((lonB - lonA) * radians) / 2);
  const a = sinLat * sinLat + Math.cos(latA * radians) * Math.cos(latB * radians) * sinLon * sinLon;
  return 2 * earthRadius * Math.asin(Math.min(1, Math.sqrt(a)));
}
