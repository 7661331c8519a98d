import type { Calibration } from './calibration.ts';
import { interpolate } from './interpolate.ts';

/**
 * Converts a cosine, -1..1, to the calibrated similarity, 0..1. The similarity never falls when the cosine rises.
 * See: [Note: One similarity for every model]
 */
export const similarityOf = (cosine: number, { similarityKnots }: Pick<Calibration, 'similarityKnots'>): number =>
  interpolate(similarityKnots, cosine, 'cosine', 'similarity');

/**
 * Returns the lowest similarity of a match in a 1:1 verification, for a false-match rate (FMR): 0.5 for 0.001, and 0.1 more for each
 * tenth of the rate. See: [Note: One similarity for every model]
 *
 * @param templates number of templates of the claimed person; the best of them counts. A stranger's chance is at most that many times
 * the chance with one template (the union bound), so the rate of one template is divided by it.
 */
export const verificationThreshold = (fmr: number, templates: number): number =>
  Math.min(1, 0.2 - Math.log10(fmr / Math.max(1, templates)) / 10);

/** The cosine of two embeddings, -1..1. Both have the same length and an L2 norm of 1. */
export function cosineOfPair(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Converts a similarity, 0..1, to the lowest cosine that has it. The inverse of `similarityOf`. */
export const cosineOf = (similarity: number, { similarityKnots }: Pick<Calibration, 'similarityKnots'>): number =>
  interpolate(similarityKnots, similarity, 'similarity', 'cosine');
