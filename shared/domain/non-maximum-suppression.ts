import { type Box, intersectionOverUnion } from './geometry.ts';

/**
 * Of boxes that overlap by more than `limit` (intersection over union), keeps the one with the highest score. Highest score first.
 */
export function suppressOverlaps<T extends { readonly box: Box; readonly score: number }>(
  candidates: readonly T[],
  limit: number,
): T[] {
  const kept: T[] = [];
  for (const candidate of candidates.toSorted((a, b) => b.score - a.score)) {
    if (kept.every((other) => intersectionOverUnion(other.box, candidate.box) <= limit)) kept.push(candidate);
  }
  return kept;
}
