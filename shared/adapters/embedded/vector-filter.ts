import { distanceMetres } from '../../domain/globe.ts';
import type { VectorFilter } from '../../ports/vectors.ts';
import type { Gallery } from './vector-gallery.ts';

/** Returns a function: true if a slot has a face that meets all conditions except `personIds`, which the caller checks. */
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
