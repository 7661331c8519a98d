import type { Calibration } from './calibration.ts';
import { interpolate } from './interpolate.ts';

/**
 * Converts a cosine, -1..1, to the calibrated similarity, 0..1. The similarity never falls when the cosine rises.
 * See: [Note: One similarity for every model]
 */
export const similarityOf = (cosine: number, { similarityKnots }: Pick<Calibration, 'similarityKnots'>): number =>
  interpolate(similarityKnots, cosine, 'cosine', 'similarity');

/** Converts a similarity, 0..1, to the lowest cosine that has it. The inverse of `similarityOf`. */
export const cosineOf = (similarity: number, { similarityKnots }: Pick<Calibration, 'similarityKnots'>): number =>
  interpolate(similarityKnots, similarity, 'similarity', 'cosine');
