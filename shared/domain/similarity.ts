import type { Calibration } from './calibration.ts';

type Knots = Calibration['similarityKnots'];

/**
 * Converts a cosine, -1..1, to the calibrated similarity, 0..1. The similarity never falls when the cosine rises.
 * See: [Note: One similarity for every model]
 */
export const similarityOf = (cosine: number, { similarityKnots }: Pick<Calibration, 'similarityKnots'>): number =>
  interpolate(similarityKnots, cosine, 'cosine', 'similarity');

/** Converts a similarity, 0..1, to the lowest cosine that has it. The inverse of `similarityOf`. */
export const cosineOf = (similarity: number, { similarityKnots }: Pick<Calibration, 'similarityKnots'>): number =>
  interpolate(similarityKnots, similarity, 'similarity', 'cosine');

function interpolate(knots: Knots, x: number, from: keyof Knots[number], to: keyof Knots[number]): number {
  const first = knots[0]!;
  const last = knots.at(-1)!;
  if (x <= first[from]) return first[to];
  if (x >= last[from]) return last[to];
  const upper = knots.findIndex((knot) => knot[from] >= x);
  const a = knots[upper - 1]!;
  const b = knots[upper]!;
  return a[to] + ((x - a[from]) / (b[from] - a[from])) * (b[to] - a[to]);
}
